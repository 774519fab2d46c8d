import { type ReactNode, useState } from 'react';
import type { Item } from '../api/types';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { DataTable } from './data-table';
import type { FetchPage } from './find-items';
import { FindItems } from './find-items-box';
import { JsonTree } from './json-tree';
import { Rendered } from './rendered';

export const PAGE_ITEMS = 100;

type Form = 'table' | 'json' | 'view';
const FORMS: readonly Form[] = ['table', 'json', 'view'];

type ItemsViewProps = {
  readonly items: readonly Item[];
  readonly offset: number;
  readonly total: number;
  readonly onOffset: (offset: number) => void;
  readonly label: string;
  /** Stands before the forms in the same row, and after the pages. */
  readonly head?: ReactNode;
  readonly tools?: ReactNode;
  /** How many items a page holds; fewer than [`PAGE_ITEMS`] when they are heavy. */
  readonly pageItems?: number;
  /** Gives any page, so that one can look for an item in all of them. */
  readonly fetchPage?: FetchPage;
  /** The item that stands out, counted in the whole list. */
  readonly marked?: number;
  readonly onMark?: (index: number) => void;
  /** Tells where an item came from. */
  readonly onTrace?: (index: number) => void;
};

/** One page of items as a table, as JSON, or drawn; the other pages are a button away. */
export function ItemsView(props: ItemsViewProps) {
  const { items, offset, total, onOffset, label, pageItems = PAGE_ITEMS, fetchPage, marked, onMark } = props;
  const t = useMessages();
  const [form, setForm] = useState<Form>('table');
  return (
    <div className="flex h-full flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-x-2 gap-y-1 border-b border-line px-3 py-1">
        {props.head}
        <div role="group" aria-label={t('data.form')} className="flex rounded-control border border-line">
          {FORMS.map((it) => (
            <button
              key={it}
              type="button"
              aria-pressed={it === form}
              onClick={() => setForm(it)}
              className="min-h-7 rounded-control px-2.5 aria-pressed:bg-raised aria-pressed:font-semibold pointer-coarse:min-h-11"
            >
              {t(`data.form.${it}`)}
            </button>
          ))}
        </div>
        {fetchPage && onMark && total > 1 && (
          <FindItems
            fetchPage={fetchPage}
            from={marked ?? offset - 1}
            onFound={(index) => {
              onMark(index);
              if (index < offset || index >= offset + items.length) onOffset(Math.floor(index / pageItems) * pageItems);
            }}
          />
        )}
        <span className="ml-auto text-meta text-muted">
          {total > 0 ? t('data.range', { from: offset + 1, to: offset + items.length, total }) : t('data.none')}
        </span>
        {total > pageItems && (
          <span className="flex gap-1">
            <Button
              disabled={offset === 0}
              aria-label={t('data.previous')}
              onClick={() => onOffset(Math.max(0, offset - pageItems))}
            >
              ‹
            </Button>
            <Button
              disabled={offset + items.length >= total}
              aria-label={t('data.next')}
              onClick={() => onOffset(offset + items.length)}
            >
              ›
            </Button>
          </span>
        )}
        {props.tools}
      </div>
      <div className="min-h-0 flex-1">
        {form === 'table' && (
          <DataTable items={items} offset={offset} label={label} marked={marked} onTrace={props.onTrace} />
        )}
        {form === 'json' && (
          <JsonTree
            value={items.map((item) => (Object.keys(item.files ?? {}).length > 0 ? item : item.json))}
            label={label}
          />
        )}
        {form === 'view' && <Rendered items={items} offset={offset} />}
      </div>
    </div>
  );
}
