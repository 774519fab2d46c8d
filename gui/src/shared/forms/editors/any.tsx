import { useState } from 'react';
import { CodeEditor } from '../../code/code-editor';
import { useValueBinding } from '../../code/use-value-binding';
import { asText } from '../../format/json';
import { useMessages } from '../../i18n/messages';
import { Select } from '../../ui/field';
import { FieldInput, FieldSelect } from '../controls';
import type { EditorProps } from '../editor-props';
import { useRested } from '../preview';
import { useForm } from '../target';

type Type = 'text' | 'number' | 'boolean' | 'null' | 'json';
const TYPES: readonly Type[] = ['text', 'number', 'boolean', 'null', 'json'];

const typeOf = (value: unknown): Type => {
  if (value === null) return 'null';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'object' ? 'json' : 'text';
};

/** A value of any kind. What is typed is a number or yes/no when it reads as one, unless text was asked for. */
export function AnyEditor({ field, path, value, ...of }: EditorProps<'any'>) {
  const t = useMessages();
  const { target, canEdit } = useForm();
  const [asked, setAsked] = useState<Type>();
  const [draft, setDraft] = useState<string>();
  const type =
    value === undefined || (asked === 'json' && typeof value === 'string') ? (asked ?? 'text') : typeOf(value);
  const become = (next: Type) => {
    setAsked(next);
    setDraft(undefined);
    target.set(path, converted(next, value));
  };
  const typed = (text: string) => {
    setDraft(text);
    if (text === '' && !field.isRequired) target.set(path, undefined, true);
    else target.set(path, asked === 'text' ? text : simple(text), true);
  };
  const text = draft ?? asText(value);
  return (
    <div className={type === 'json' ? 'flex flex-col gap-1' : 'flex items-start gap-1'}>
      {type === 'json' ? (
        <div className="order-2">
          <JsonText path={path} value={value} id={of.id} label={of.label} describedBy={of.describedBy} />
        </div>
      ) : type === 'boolean' ? (
        <FieldSelect
          of={of}
          value={String(value)}
          onChange={(event) => target.set(path, event.target.value === 'true')}
        >
          <option value="true">{t('form.yes')}</option>
          <option value="false">{t('form.no')}</option>
        </FieldSelect>
      ) : (
        <FieldInput
          of={of}
          readOnly={!canEdit || type === 'null'}
          placeholder={
            field.hasFallback && field.fallback !== null && value === undefined ? String(field.fallback) : undefined
          }
          value={text}
          onChange={(event) => typed(event.target.value)}
          onBlur={() => setDraft(undefined)}
        />
      )}
      <Select
        aria-label={t('form.any.type', { name: of.label })}
        className={`w-auto! shrink-0 px-1! text-meta text-muted ${type === 'json' ? 'h-7! self-end' : ''}`}
        disabled={!canEdit}
        value={type}
        onChange={(event) => become(event.target.value as Type)}
      >
        {TYPES.map((it) => (
          <option key={it} value={it}>
            {t(`form.any.${it}`)}
          </option>
        ))}
      </Select>
    </div>
  );
}

/** A number or yes/no where a text reads as one, as JSON has them. */
function simple(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return text;
  // A text of digits that a number cannot hold stays one.
  const number = Number(text);
  return Number.isSafeInteger(number) || text.includes('.') ? number : text;
}

function converted(type: Type, value: unknown): unknown {
  const text = asText(value);
  switch (type) {
    case 'null':
      return null;
    case 'boolean':
      return value === true || text === 'true';
    case 'number':
      return Number.isFinite(Number(text)) ? Number(text) : 0;
    case 'text':
      return text;
    case 'json':
      try {
        const read: unknown = JSON.parse(text);
        return typeof read === 'object' && read !== null ? read : { value: read };
      } catch {
        return text === '' ? {} : { value: text };
      }
  }
}

export function JsonEditor({ path, value, id, label, describedBy }: EditorProps<'json'>) {
  return <JsonText path={path} value={value} id={id} label={label} describedBy={describedBy} />;
}

type JsonTextProps = Pick<EditorProps, 'path' | 'value' | 'id' | 'label' | 'describedBy'>;

/** A value as JSON. It is taken over whenever what stands there reads. */
function JsonText({ path, value, id, label, describedBy }: JsonTextProps) {
  const t = useMessages();
  const { target, canEdit } = useForm();
  const [draft, setDraft] = useState<string>();
  const written = value === undefined ? '' : JSON.stringify(value, null, 2);
  const text = draft ?? written;
  const binding = useValueBinding(text, (next) => {
    setDraft(next);
    if (next.trim() === '') return target.set(path, undefined, true);
    try {
      target.set(path, JSON.parse(next), true);
    } catch {
      // Not yet.
    }
  });
  const rested = useRested(text, 500);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only listens to what happens inside.
    <div
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget) && isJson(text)) setDraft(undefined);
      }}
    >
      <CodeEditor
        id={id}
        label={label}
        describedBy={describedBy}
        binding={binding}
        reading="plain"
        language="json"
        rows={3}
        canEdit={canEdit}
        isBad={!isJson(rested)}
      />
      {!isJson(rested) && <p className="text-meta text-fail">{t('form.wrong.json')}</p>}
    </div>
  );
}

function isJson(text: string): boolean {
  if (text.trim() === '') return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
