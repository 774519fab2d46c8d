import { useEffect, useRef } from 'react';
import type { Item } from '../api/types';
import { bytes, count } from '../format/format';
import { useMessages } from '../i18n/messages';
import { useFieldActions } from './field-actions';
import { COLUMNS_MAX, cellOf, columnsOf, inline } from './shape';

type DataTableProps = {
  readonly items: readonly Item[];
  readonly offset: number;
  readonly label: string;
  /** The item that stands out, counted in the whole list. */
  readonly marked?: number;
  /** Makes the number of an item a button that tells where it came from. */
  readonly onTrace?: (index: number) => void;
};

const HEAD = 'sticky top-0 z-10 border-b border-line bg-raised px-2 py-1 text-left font-semibold whitespace-nowrap';
const CELL = 'max-w-72 truncate border-b border-line px-2 py-1 align-top';

/** One page of items as a table. */
export function DataTable({ items, offset, label, marked, onTrace }: DataTableProps) {
  const t = useMessages();
  const body = useRef<HTMLTableSectionElement>(null);
  const markedRow = marked === undefined ? -1 : marked - offset;
  // biome-ignore lint/correctness/useExhaustiveDependencies: other items put other rows there.
  useEffect(() => {
    body.current?.rows[markedRow]?.scrollIntoView({ block: 'center' });
  }, [markedRow, items]);
  const all = columnsOf(items);
  const columns = all.slice(0, COLUMNS_MAX);
  const hasFiles = items.some((item) => Object.keys(item.files ?? {}).length > 0);
  return (
    // Scrolls by keys too.
    <section
      aria-label={label}
      tabIndex={0}
      className="scroll-thin h-full overflow-auto focus-visible:-outline-offset-2"
    >
      <table className="w-full border-separate border-spacing-0">
        <thead>
          <tr>
            <th scope="col" className={`${HEAD} text-muted`}>
              #
            </th>
            {columns.map((column) => (
              <th key={column} scope="col" className={HEAD}>
                <Column name={column} />
              </th>
            ))}
            {hasFiles && (
              <th scope="col" className={HEAD}>
                {t('data.files')}
              </th>
            )}
          </tr>
        </thead>
        <tbody ref={body}>
          {items.map((item, at) => (
            <tr
              key={at}
              aria-current={at === markedRow || undefined}
              className="hover:bg-raised aria-[current]:bg-raised"
            >
              <td className={`${CELL} text-muted ${at === markedRow ? 'border-l-2 border-l-accent' : ''}`}>
                {onTrace ? (
                  <button
                    type="button"
                    title={t('data.from.ask', { index: offset + at + 1 })}
                    onClick={() => onTrace(offset + at)}
                    className="rounded-control px-1 underline decoration-dotted underline-offset-2 hover:text-accent"
                  >
                    {count(offset + at + 1)}
                  </button>
                ) : (
                  count(offset + at + 1)
                )}
              </td>
              {columns.map((column) => (
                <Cell key={column} value={cellOf(item, column)} />
              ))}
              {hasFiles && (
                <td className={CELL}>
                  {Object.entries(item.files ?? {})
                    .map(([name, file]) => `${name}: ${file.name} (${bytes(file.size)})`)
                    .join(', ')}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {all.length > COLUMNS_MAX && (
        <p className="p-2 text-muted">{t('data.more_columns', { count: all.length - COLUMNS_MAX })}</p>
      )}
    </section>
  );
}

/** The name of a column; where fields can go somewhere, it is dragged there or opens a menu of places. */
function Column({ name }: { readonly name: string }) {
  const t = useMessages();
  const actions = useFieldActions();
  const text = name || t('data.value');
  if (!actions) return text;
  const path = name === '' ? [] : [name];
  return actions.menu(
    path,
    <button
      type="button"
      aria-haspopup="menu"
      draggable
      onDragStart={(event) => actions.onDrag(event, path)}
      className="cursor-grab rounded-control font-semibold hover:text-pin pointer-coarse:min-h-11"
    >
      {text}
    </button>,
  );
}

function Cell({ value }: { readonly value: unknown }) {
  const text = inline(value);
  const isNumber = typeof value === 'number';
  const isPlain = typeof value === 'string' || isNumber;
  return (
    <td
      className={`${CELL} ${isNumber ? 'text-right' : ''} ${isPlain ? '' : 'font-mono text-meta text-muted'}`}
      title={text}
    >
      {text}
    </td>
  );
}
