import type { Item } from '../api/types';
import { bytes, count } from '../format/format';
import { useMessages } from '../i18n/messages';
import { useFieldActions } from './field-actions';
import { COLUMNS_MAX, cellOf, columnsOf, inline } from './shape';

type DataTableProps = { readonly items: readonly Item[]; readonly offset: number; readonly label: string };

const HEAD = 'sticky top-0 z-10 border-b border-line bg-raised px-2 py-1 text-left font-semibold whitespace-nowrap';
const CELL = 'max-w-72 truncate border-b border-line px-2 py-1 align-top';

/** One page of items as a table. */
export function DataTable({ items, offset, label }: DataTableProps) {
  const t = useMessages();
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
        <tbody>
          {items.map((item, at) => (
            <tr key={at} className="hover:bg-raised">
              <td className={`${CELL} text-muted`}>{count(offset + at + 1)}</td>
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
