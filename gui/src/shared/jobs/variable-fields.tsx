import { useState } from 'react';
import type { Preset } from '../api/types';
import { readValue, writeValue } from '../format/json';
import { useMessages } from '../i18n/messages';
import { Field, Input, TextArea } from '../ui/field';
import { Prose } from '../ui/prose';

type VariableFieldsProps = {
  readonly preset: Preset;
  /** What each variable is unless it is changed here. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Told the variables that differ. */
  readonly onChange: (changed: Readonly<Record<string, unknown>>) => void;
  /** Told whether a list or an object does not read. */
  readonly onBad: (isBad: boolean) => void;
};

const isStructure = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** One field for each variable of a workflow. Changed ones stand out and are all that is sent. */
export function VariableFields({ preset, values, onChange, onBad }: VariableFieldsProps) {
  const t = useMessages();
  const names = Object.keys(preset.variables ?? {});
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(names.map((name) => [name, writeValue(values[name])])),
  );
  const isBad = (name: string, text: string) => isStructure(values[name]) && typeof readValue(text) === 'string';
  const change = (name: string, text: string) => {
    const next = { ...texts, [name]: text };
    setTexts(next);
    onBad(names.some((it) => isBad(it, next[it] ?? '')));
    const changed = names.filter((it) => next[it] !== writeValue(values[it]));
    onChange(Object.fromEntries(changed.map((it) => [it, readValue(next[it] ?? '')])));
  };
  return names.map((name) => {
    const docs = preset.variables?.[name]?.docs;
    const text = texts[name] ?? '';
    const isChanged = text !== writeValue(values[name]);
    const tone = isChanged ? 'border-wait!' : '';
    return (
      <Field
        key={name}
        label={name}
        hint={docs && <Prose text={docs} />}
        error={isBad(name, text) ? t('vars.bad_json') : undefined}
      >
        {(ids) =>
          isStructure(values[name]) ? (
            <TextArea
              {...ids}
              rows={6}
              className={tone}
              value={text}
              onChange={(event) => change(name, event.target.value)}
            />
          ) : (
            <Input {...ids} className={tone} value={text} onChange={(event) => change(name, event.target.value)} />
          )
        }
      </Field>
    );
  });
}
