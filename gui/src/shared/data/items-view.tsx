import { useState } from 'react';
import type { Item } from '../api/types';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { DataTable } from './data-table';
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
};

/** One page of items as a table, as JSON, or drawn; the other pages are a button away. */
export function ItemsView({ items, offset, total, onOffset, label }: ItemsViewProps) {
  const t = useMessages();
  const [form, setForm] = useState<Form>('table');
  return (
    <div className="flex h-full flex-col">
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5">
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
        <span className="ml-auto text-meta text-muted">
          {total > 0 ? t('data.range', { from: offset + 1, to: offset + items.length, total }) : t('data.none')}
        </span>
        {total > PAGE_ITEMS && (
          <span className="flex gap-1">
            <Button
              disabled={offset === 0}
              aria-label={t('data.previous')}
              onClick={() => onOffset(Math.max(0, offset - PAGE_ITEMS))}
            >
              ‹
            </Button>
            <Button
              disabled={offset + items.length >= total}
              aria-label={t('data.next')}
              onClick={() => onOffset(offset + PAGE_ITEMS)}
            >
              ›
            </Button>
          </span>
        )}
      </div>
      <div className="min-h-0 flex-1">
        {form === 'table' && <DataTable items={items} offset={offset} label={label} />}
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
