//! Editors of one value: texts, numbers, switches, choices.
import { useId, useState } from 'react';
import { CodeEditor } from '../../code/code-editor';
import { bytes } from '../../format/format';
import { asText } from '../../format/json';
import { useMessages } from '../../i18n/messages';
import { Prose } from '../../ui/prose';
import { plainProse } from '../../ui/prose-text';
import { FieldInput, FieldSelect } from '../controls';
import type { EditorProps } from '../editor-props';
import { HEADERS } from '../hints';
import { useLentNames } from '../lent-names';
import { useNames } from '../names';
import type { Choice } from '../schema';
import { readSpan, writeSpan } from '../spans';
import { useForm } from '../target';
import { useShared } from '../use-shared';
import { useTypedText } from '../use-typed';

/** What an empty field of text stands for: nothing where that is allowed. */
export function TextEditor({ field, path, value, id, label, describedBy, isBad }: EditorProps<'text'>) {
  const { canEdit, known, fieldNames, fileNames } = useForm();
  const list = useId();
  const shared = useShared(path);
  const [text, type] = useTypedText(field, path, asText(value));
  const lent = useLentNames(field.suggest);
  if (field.rows > 1) {
    return (
      <CodeEditor
        id={id}
        label={label}
        describedBy={describedBy}
        isBad={isBad}
        binding={shared}
        reading={field.takesExpression ? 'template' : 'plain'}
        rows={field.rows}
        canEdit={canEdit}
        known={known}
      />
    );
  }
  const options =
    field.suggest === 'field'
      ? fieldNames
      : field.suggest === 'file'
        ? fileNames
        : field.suggest === 'header'
          ? HEADERS
          : lent;
  return (
    <>
      <FieldInput
        of={{ id, label, describedBy, isBad }}
        list={options.length > 0 ? list : undefined}
        placeholder={field.placeholder ?? (field.hasFallback ? asText(field.fallback) : undefined)}
        value={text}
        onChange={(event) => type(event.target.value)}
      />
      {options.length > 0 && (
        <datalist id={list}>
          {options.map((it) => (
            <option key={it} value={it} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** Numbers; milliseconds can be written as spans, `30s`. */
export function NumberEditor({ field, path, value, ...of }: EditorProps<'number'>) {
  const t = useMessages();
  const { target } = useForm();
  const isSpan = field.unit === 'ms';
  const write = (it: unknown) => (typeof it === 'number' ? (isSpan ? writeSpan(it) : String(it)) : asText(it));
  const [draft, setDraft] = useState<string>();
  const text = draft ?? write(value);
  const read = (typed: string): unknown => {
    const trimmed = typed.trim();
    if (trimmed === '') return undefined;
    if (isSpan) return readSpan(trimmed) ?? trimmed;
    const number = Number(trimmed.replace(',', '.'));
    return Number.isFinite(number) ? number : trimmed;
  };
  return (
    <div className="flex items-center gap-2">
      <FieldInput
        of={of}
        inputMode={isSpan ? 'text' : field.isWhole ? 'numeric' : 'decimal'}
        className="max-w-40"
        placeholder={field.hasFallback ? write(field.fallback) : undefined}
        value={text}
        onChange={(event) => {
          setDraft(event.target.value);
          target.set(path, read(event.target.value), true);
        }}
        onBlur={() => setDraft(undefined)}
      />
      <span className="text-meta text-muted">
        {field.unit === 'bytes' && (typeof value === 'number' ? bytes(value) : t('form.bytes.hint'))}
        {field.unit === 'mb' && 'MB'}
        {isSpan && typeof value === 'number' && t('form.span.ms', { ms: value })}
      </span>
    </div>
  );
}

/** A switch. */
export function BooleanEditor({ field, path, value, id, label, describedBy }: EditorProps<'boolean'>) {
  const t = useMessages();
  const { target, canEdit } = useForm();
  const isOn = typeof value === 'boolean' ? value : field.fallback === true;
  return (
    <label className="flex min-h-8 w-fit items-center gap-2 pointer-coarse:min-h-11">
      <input
        id={id}
        type="checkbox"
        role="switch"
        aria-checked={isOn}
        aria-label={label}
        aria-describedby={describedBy}
        checked={isOn}
        disabled={!canEdit}
        onChange={(event) => target.set(path, event.target.checked)}
        className="relative h-5 w-9 shrink-0 cursor-pointer appearance-none rounded-full border border-control bg-raised transition-colors before:absolute before:top-0.5 before:left-0.5 before:size-3.5 before:rounded-full before:bg-control before:transition-transform checked:border-accent checked:bg-accent checked:before:translate-x-4 checked:before:bg-on-accent"
      />
      <span className="text-muted">{isOn ? t('form.yes') : t('form.no')}</span>
    </label>
  );
}

const RADIOS_MAX = 4;
/** Longer ones stand below each other. */
const SHORT_LETTERS_MAX = 16;

/** A few choices stand side by side or as cards with what they mean; many are a list. */
export function ChoiceEditor({ field, path, value, id, label, describedBy, isBad }: EditorProps<'choice'>) {
  const { target, canEdit } = useForm();
  const name = useId();
  const { choiceName: labelOf } = useNames();
  const { choices } = field;
  const now = value ?? (field.hasFallback ? field.fallback : undefined);
  const chosen = choices.find((it) => it.value === now);
  const set = (choice: Choice) => target.set(path, choice.value);
  const hasDocs = choices.some((it) => it.docs !== '' || labelOf(it).length > SHORT_LETTERS_MAX);
  // Cards with their meanings only where there is room: not inside the elements of a list.
  if (choices.length <= RADIOS_MAX && (path.length === 1 || !hasDocs)) {
    return (
      <div
        role="radiogroup"
        aria-label={label}
        aria-describedby={describedBy}
        className={hasDocs ? 'flex flex-col gap-1' : 'flex w-fit flex-wrap rounded-control border border-control p-0.5'}
      >
        {choices.map((choice, at) => (
          <label
            key={choice.label}
            className={
              hasDocs
                ? 'flex cursor-pointer items-start gap-2 rounded-control border border-line px-2.5 py-1.5 has-checked:border-accent has-checked:bg-raised has-focus-visible:outline-2 has-focus-visible:outline-accent'
                : 'cursor-pointer rounded-[4px] px-2.5 py-0.5 has-checked:bg-raised has-checked:font-semibold has-focus-visible:outline-2 has-focus-visible:outline-accent pointer-coarse:py-2'
            }
          >
            <input
              type="radio"
              id={at === 0 ? id : undefined}
              name={name}
              className={hasDocs ? 'mt-1 accent-(--accent)' : 'sr-only'}
              checked={choice === chosen}
              disabled={!canEdit}
              onChange={() => set(choice)}
            />
            <span className="min-w-0">
              <span className={hasDocs ? 'font-semibold' : ''}>{labelOf(choice)}</span>
              {choice.docs && (
                <span className="block text-meta text-muted">
                  <Prose text={choice.docs} />
                </span>
              )}
            </span>
          </label>
        ))}
      </div>
    );
  }
  return (
    <>
      <FieldSelect
        of={{ id, label, describedBy, isBad }}
        value={chosen ? choices.indexOf(chosen) : ''}
        onChange={(event) => {
          const choice = choices[Number(event.target.value)];
          if (choice) set(choice);
        }}
      >
        {!chosen && <option value="">{asText(value)}</option>}
        {choices.map((choice, at) => (
          <option key={choice.label} value={at} title={plainProse(choice.docs)}>
            {labelOf(choice)}
          </option>
        ))}
      </FieldSelect>
      {chosen?.docs && (
        <p className="text-meta text-muted">
          <Prose text={chosen.docs} />
        </p>
      )}
    </>
  );
}
