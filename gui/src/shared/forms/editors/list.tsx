import { ArrowDown, ArrowUp, GripVertical, Plus, X } from 'lucide-react';
import { type KeyboardEvent, useRef, useState } from 'react';
import { inline } from '../../data/shape';
import { useMessages } from '../../i18n/messages';
import { Button, IconButton } from '../../ui/button';
import type { EditorProps } from '../editor-props';
import { FieldView } from '../field-view';
import { firstValue, isRecord } from '../schema';
import { pointerOf, useForm } from '../target';

const GRIP_TYPE = 'application/x-flowork-element';

/** A list: elements are added, taken away and moved, by hand and by keys. */
export function ListEditor({ field, path, value, label }: EditorProps<'list'>) {
  const t = useMessages();
  const { target, canEdit } = useForm();
  const [said, setSaid] = useState('');
  const [over, setOver] = useState<number>();
  const root = useRef<HTMLDivElement>(null);
  const values = Array.isArray(value) ? value : [];
  const isGroup = field.of.kind === 'object' || field.of.kind === 'union' || field.of.kind === 'map';
  const most = field.schema.maxItems ?? Number.POSITIVE_INFINITY;
  const focus = (at: number) =>
    requestAnimationFrame(() => {
      const found = CSS.escape(pointerOf([...path, at]));
      root.current
        ?.querySelector<HTMLElement>(`[data-field="${found}"] :is(input, select, textarea, [contenteditable])`)
        ?.focus();
    });
  const add = (at: number) => {
    const next = [...values.slice(0, at), firstValue({ ...field.of, isRequired: true }), ...values.slice(at)];
    target.set(path, next);
    focus(at);
  };
  const remove = (at: number) => {
    target.set(
      path,
      values.filter((_, index) => index !== at),
    );
    if (values.length > 1) focus(Math.max(0, at - 1));
  };
  const move = (from: number, to: number) => {
    if (to < 0 || to >= values.length || from === to || !canEdit) return;
    target.move(path, from, to);
    setSaid(t('form.list.moved', { index: to + 1 }));
    focus(to);
  };
  const keys = (event: KeyboardEvent, at: number) => {
    if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      event.preventDefault();
      event.stopPropagation();
      move(at, event.key === 'ArrowUp' ? at - 1 : at + 1);
    } else if (event.key === 'Enter' && !isGroup && event.target instanceof HTMLInputElement && values.length < most) {
      event.preventDefault();
      add(at + 1);
    }
  };
  return (
    <div ref={root} className="flex flex-col gap-2">
      {values.length === 0 && <p className="text-meta text-muted">{t('form.list.empty')}</p>}
      {values.map((it, at) => {
        const name = t('form.list.element', { name: label, index: at + 1 });
        const tools = (
          <ElementTools name={name} at={at} count={values.length} onMove={move} onRemove={remove} isTall={isGroup} />
        );
        return (
          // biome-ignore lint/a11y/noStaticElementInteractions: it only listens to what happens inside.
          <div
            key={at}
            onKeyDown={(event) => keys(event, at)}
            onDragOver={(event) => {
              if (!event.dataTransfer.types.includes(GRIP_TYPE)) return;
              event.preventDefault();
              setOver(at);
            }}
            onDragLeave={() => setOver(undefined)}
            onDrop={(event) => {
              setOver(undefined);
              const from = event.dataTransfer.getData(GRIP_TYPE);
              if (from === '') return;
              event.preventDefault();
              const [place, index] = JSON.parse(from) as [string, number];
              if (place === pointerOf(path)) move(index, at);
            }}
            className={`${isGroup ? 'flex flex-col gap-2 rounded-card border border-line p-2' : 'flex items-start gap-1'} ${over === at ? 'outline-2 outline-accent' : ''}`}
          >
            {isGroup ? (
              <>
                <div className="flex items-center gap-1">
                  <Grip at={at} path={pointerOf(path)} name={name} />
                  <span className="min-w-0 flex-1 truncate text-meta text-muted">
                    <strong className="text-text">{at + 1}</strong> {summary(it)}
                  </span>
                  {tools}
                </div>
                <FieldView field={field.of} path={[...path, at]} value={it} name={name} />
              </>
            ) : (
              <>
                <Grip at={at} path={pointerOf(path)} name={name} />
                <div className="min-w-0 flex-1">
                  <FieldView field={field.of} path={[...path, at]} value={it} name={name} />
                </div>
                {tools}
              </>
            )}
          </div>
        );
      })}
      <Button
        look="quiet"
        className="self-start text-accent!"
        disabled={!canEdit || values.length >= most}
        onClick={() => add(values.length)}
      >
        <Plus aria-hidden className="size-4" />
        {t('form.list.add')}
      </Button>
      <span role="status" className="sr-only">
        {said}
      </span>
    </div>
  );
}

/** An element in a few words. */
function summary(value: unknown): string {
  if (!isRecord(value)) return inline(value);
  return Object.values(value)
    .filter((it) => typeof it !== 'object')
    .map(inline)
    .join(' ');
}

function Grip({ at, path, name }: { readonly at: number; readonly path: string; readonly name: string }) {
  const t = useMessages();
  const { canEdit } = useForm();
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys have buttons and Alt+arrows instead.
    <span
      draggable={canEdit}
      title={t('form.list.grip', { name })}
      onDragStart={(event) => {
        event.stopPropagation();
        event.dataTransfer.setData(GRIP_TYPE, JSON.stringify([path, at]));
        event.dataTransfer.effectAllowed = 'move';
      }}
      className="mt-2 cursor-grab self-start text-muted pointer-coarse:hidden"
    >
      <GripVertical aria-hidden className="size-3.5" />
    </span>
  );
}

type ToolsProps = {
  readonly name: string;
  readonly at: number;
  readonly count: number;
  readonly isTall: boolean;
  readonly onMove: (from: number, to: number) => void;
  readonly onRemove: (at: number) => void;
};

function ElementTools({ name, at, count, isTall, onMove, onRemove }: ToolsProps) {
  const t = useMessages();
  const { canEdit } = useForm();
  const size = isTall ? 'size-6!' : 'size-8!';
  return (
    <span className="flex shrink-0">
      {count > 1 && (
        <>
          <IconButton
            label={t('form.list.up', { name })}
            disabled={!canEdit || at === 0}
            className={`${size} ${isTall ? '' : 'w-6!'}`}
            onClick={() => onMove(at, at - 1)}
          >
            <ArrowUp aria-hidden className="size-3.5" />
          </IconButton>
          <IconButton
            label={t('form.list.down', { name })}
            disabled={!canEdit || at === count - 1}
            className={`${size} ${isTall ? '' : 'w-6!'}`}
            onClick={() => onMove(at, at + 1)}
          >
            <ArrowDown aria-hidden className="size-3.5" />
          </IconButton>
        </>
      )}
      <IconButton
        label={t('form.list.remove', { name })}
        disabled={!canEdit}
        className={`${size} ${isTall ? '' : 'w-6!'}`}
        onClick={() => onRemove(at)}
      >
        <X aria-hidden className="size-3.5" />
      </IconButton>
    </span>
  );
}
