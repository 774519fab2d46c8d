import { Plus, X } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { useMessages } from '../../i18n/messages';
import { Button, IconButton } from '../../ui/button';
import { Input } from '../../ui/field';
import type { EditorProps } from '../editor-props';
import { FieldView } from '../field-view';
import { HEADERS } from '../hints';
import { firstValue, isRecord } from '../schema';
import { pointerOf, useForm } from '../target';

/** What a value is typed or chosen in. */
const FIRST = 'input, select, textarea, [contenteditable=true]';

/** Names with values. A name is taken over when its field is left, so that rows do not jump while somebody types. */
export function MapEditor({ field, path, value, label }: EditorProps<'map'>) {
  const t = useMessages();
  const { target, canEdit, fieldNames } = useForm();
  const [name, setName] = useState('');
  const list = useId();
  const rows = useRef<HTMLDivElement>(null);
  const fresh = useRef<string>(undefined);
  const entries = isRecord(value) ? Object.entries(value) : [];
  const isTaken = entries.some(([key]) => key === name.trim());
  const isHeaders = field.of.hint.suggest === 'header';
  const names = isHeaders ? HEADERS : fieldNames;
  const add = () => {
    const key = name.trim();
    if (key === '' || isTaken) return;
    target.set([...path, key], firstValue({ ...field.of, isRequired: true }));
    setName('');
    fresh.current = key;
  };
  // Who named it says next what it is.
  useEffect(() => {
    const key = fresh.current;
    if (key === undefined || !Object.hasOwn(isRecord(value) ? value : {}, key)) return;
    fresh.current = undefined;
    const field = rows.current?.querySelector(`[data-field="${CSS.escape(pointerOf([...path, key]))}"]`);
    field?.querySelector<HTMLElement>(FIRST)?.focus();
  }, [value, path]);
  return (
    <div ref={rows} className="flex flex-col gap-2">
      {entries.map(([key, it]) => (
        <div key={key} className="flex flex-col gap-1 border-l-2 border-line pl-2">
          <div className="flex items-center gap-1">
            <KeyInput
              name={key}
              label={label}
              list={list}
              isTaken={(other) => other !== key && entries.some(([taken]) => taken === other)}
              onRename={(next) => target.rename(path, key, next)}
            />
            <IconButton
              label={t('form.list.remove', { name: key })}
              disabled={!canEdit}
              onClick={() => target.set([...path, key], undefined)}
            >
              <X aria-hidden className="size-3.5" />
            </IconButton>
          </div>
          <FieldView field={field.of} path={[...path, key]} value={it} name={t('form.map.value', { name: key })} />
        </div>
      ))}
      <div className="flex items-center gap-1">
        <Input
          aria-label={`${label}: ${t('form.map.new')}`}
          placeholder={t('form.map.new')}
          list={list}
          readOnly={!canEdit}
          value={name}
          autoComplete="off"
          spellCheck={false}
          aria-invalid={isTaken}
          onChange={(event) => setName(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            add();
          }}
        />
        <Button disabled={!canEdit || name.trim() === '' || isTaken} onClick={add}>
          <Plus aria-hidden className="size-4" />
          {t('form.map.add')}
        </Button>
      </div>
      {isTaken && <p className="text-meta text-fail">{t('form.map.taken')}</p>}
      <datalist id={list}>
        {names.map((it) => (
          <option key={it} value={it} />
        ))}
      </datalist>
    </div>
  );
}

type KeyInputProps = {
  readonly name: string;
  readonly label: string;
  readonly list: string;
  readonly isTaken: (name: string) => boolean;
  readonly onRename: (name: string) => void;
};

function KeyInput({ name, label, list, isTaken, onRename }: KeyInputProps) {
  const t = useMessages();
  const { canEdit } = useForm();
  const [draft, setDraft] = useState<string>();
  const text = draft ?? name;
  const isBad = isTaken(text.trim());
  const leave = () => {
    const next = text.trim();
    if (next !== '' && next !== name && !isBad) onRename(next);
    setDraft(undefined);
  };
  return (
    <Input
      aria-label={`${label}: ${t('form.map.key')}`}
      title={isBad ? t('form.map.taken') : undefined}
      aria-invalid={isBad}
      className="h-7! border-transparent! bg-transparent! px-1! font-mono text-body! hover:border-control! focus:border-control!"
      list={list}
      readOnly={!canEdit}
      value={text}
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={leave}
      onKeyDown={(event) => {
        if (event.key === 'Enter') leave();
        if (event.key === 'Escape' && draft !== undefined) {
          event.stopPropagation();
          setDraft(undefined);
        }
      }}
    />
  );
}
