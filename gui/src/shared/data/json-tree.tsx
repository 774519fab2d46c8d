import { useVirtualizer } from '@tanstack/react-virtual';
import { ChevronDown, ChevronRight } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { readMembers } from '../code/paths';
import { saveFile } from '../format/download';
import { useMessages } from '../i18n/messages';
import { useFieldActions } from './field-actions';
import { type Line, linesOf, OPEN_CHARS_MAX, TEXT_CHARS_MAX } from './shape';

const LINE_HEIGHT = 20;

/** A value as a tree of lines, of which only those in sight exist. */
export function JsonTree({
  value,
  label,
  openDepth = 2,
}: {
  readonly value: unknown;
  readonly label: string;
  readonly openDepth?: number;
}) {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const lines = useMemo(() => linesOf(value, toggled, openDepth), [value, toggled, openDepth]);
  const scroller = useRef<HTMLElement>(null);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 20,
  });
  const toggle = (path: string) => {
    const next = new Set(toggled);
    if (!next.delete(path)) next.add(path);
    setToggled(next);
  };
  return (
    <section
      ref={scroller}
      aria-label={label}
      tabIndex={0}
      className="scroll-thin h-full overflow-auto py-1 font-mono text-meta leading-5 focus-visible:-outline-offset-2"
    >
      <div className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const line = lines[row.index];
          return (
            line && (
              <div
                key={line.path}
                ref={rows.measureElement}
                data-index={row.index}
                className="absolute top-0 left-0 w-full pr-3"
                style={{ transform: `translateY(${row.start}px)`, paddingLeft: 8 + line.depth * 14 }}
              >
                <Row line={line} onToggle={toggle} />
              </div>
            )
          );
        })}
      </div>
    </section>
  );
}

/** A key; where fields can go somewhere, it is dragged there. The first part of a path is the item's number. */
function Key({ name, path }: { readonly name: string; readonly path: string }) {
  const actions = useFieldActions();
  const [item, ...field] = actions ? (readMembers(path) ?? []) : [];
  if (!actions || typeof item !== 'number' || field.length === 0) return <span className="text-text">{name}: </span>;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys have the menu of the table's columns and of the list of fields.
    <span
      draggable
      onDragStart={(event) => {
        event.stopPropagation();
        actions.onDrag(event, field);
      }}
      className="cursor-grab text-text underline decoration-dotted underline-offset-2 hover:text-pin"
    >
      {name}:{' '}
    </span>
  );
}

const TONES: Readonly<Record<string, string>> = { string: 'text-ok', number: 'text-run', boolean: 'text-pin' };

function Row({ line, onToggle }: { readonly line: Line; readonly onToggle: (path: string) => void }) {
  const t = useMessages();
  const { key, value, children, isOpen } = line;
  const name = key !== undefined && <Key name={key} path={line.path} />;
  if (children !== undefined) {
    // A stretch of children has no value of its own; its name says it all.
    const shape = value === undefined ? '' : Array.isArray(value) ? `[${children}]` : `{${children}}`;
    const Chevron = isOpen ? ChevronDown : ChevronRight;
    return (
      <button
        type="button"
        aria-expanded={isOpen}
        disabled={children === 0}
        onClick={() => onToggle(line.path)}
        className="flex w-full items-center gap-1 text-left hover:bg-raised disabled:hover:bg-transparent"
      >
        {children > 0 ? <Chevron aria-hidden className="size-3.5 shrink-0 text-muted" /> : <span className="w-3.5" />}
        <span className="whitespace-nowrap">
          {name}
          <span className="text-muted">{shape}</span>
        </span>
      </button>
    );
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return (
    <div className="pl-4.5 break-all whitespace-pre-wrap">
      {name}
      <span className={TONES[typeof value] ?? 'text-muted'}>
        {line.isCut || text.length > OPEN_CHARS_MAX
          ? `${text.slice(0, line.isCut ? TEXT_CHARS_MAX : OPEN_CHARS_MAX)}…`
          : text}
      </span>
      {typeof value === 'string' && value.length > TEXT_CHARS_MAX && (
        <button type="button" className="ml-1 text-accent underline" onClick={() => onToggle(line.path)}>
          {!line.isCut
            ? t('data.show_less')
            : value.length > OPEN_CHARS_MAX
              ? t('data.show_first', { count: OPEN_CHARS_MAX, total: value.length })
              : t('data.show_all', { count: value.length })}
        </button>
      )}
      {typeof value === 'string' && value.length > OPEN_CHARS_MAX && (
        <button
          type="button"
          className="ml-2 text-accent underline"
          onClick={() => saveFile(`${key ?? 'text'}.txt`, new Blob([value], { type: 'text/plain' }))}
        >
          {t('data.download_text', { count: value.length })}
        </button>
      )}
    </div>
  );
}
