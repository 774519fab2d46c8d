import { ChevronDown, ChevronRight } from 'lucide-react';
import { useId, useState } from 'react';
import type { Item } from '@/shared/api/types';
import { JsonTree } from '@/shared/data/json-tree';
import { inline } from '@/shared/data/shape';
import { count } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { CHANGES_MAX, type Change, changesOf, type ItemPair } from './compare-items';

const HEAD = 'border-b border-line px-2 py-1 text-left text-meta font-normal text-muted';

/** Items that differ, field by field: where, what it was, what it became. The whole items are a button away. */
export function PairTable({ pairs, label }: { readonly pairs: readonly ItemPair[]; readonly label: string }) {
  const t = useMessages();
  return (
    <table aria-label={label} className="w-full table-fixed border-collapse">
      <thead>
        <tr>
          <th scope="col" className={`${HEAD} w-16`}>
            {t('data.item')}
          </th>
          <th scope="col" className={`${HEAD} w-[26%]`}>
            {t('data.field')}
          </th>
          <th scope="col" className={HEAD}>
            {t('compare.before')}
          </th>
          <th scope="col" className={HEAD}>
            {t('compare.after')}
          </th>
        </tr>
      </thead>
      {pairs.map((pair) => (
        <Pair key={pair.index} pair={pair} />
      ))}
    </table>
  );
}

function Pair({ pair }: { readonly pair: ItemPair }) {
  const t = useMessages();
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const { changes, isCut } = changesOf(pair.before, pair.after);
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  return (
    <tbody className="border-b border-line">
      {changes.map((change, at) => (
        <tr key={change.path} className="align-top">
          {at === 0 && (
            <th
              scope="rowgroup"
              rowSpan={changes.length + Number(isCut)}
              className="pt-1 pr-1 text-left align-top font-normal pointer-coarse:pt-0"
            >
              <button
                type="button"
                aria-expanded={isOpen}
                aria-controls={isOpen ? id : undefined}
                title={t('compare.whole_item', { index: pair.index + 1 })}
                onClick={() => setOpen(!isOpen)}
                className="inline-flex min-h-6 items-center rounded-control pr-1 text-muted hover:bg-raised hover:text-text focus-visible:-outline-offset-2 pointer-coarse:min-h-11"
              >
                <Chevron aria-hidden className="size-3.5 shrink-0" />
                {count(pair.index + 1)}
              </button>
            </th>
          )}
          <Changed change={change} pair={pair} />
        </tr>
      ))}
      {isCut && (
        <tr>
          <td colSpan={3} className="px-2 pb-1 text-muted">
            {t('compare.more_fields', { most: CHANGES_MAX })}
          </td>
        </tr>
      )}
      {isOpen && (
        <tr id={id}>
          <td colSpan={4} className="pb-2">
            <div className="grid grid-cols-2 gap-2">
              <Whole item={pair.before} label={t('compare.before')} />
              <Whole item={pair.after} label={t('compare.after')} />
            </div>
          </td>
        </tr>
      )}
    </tbody>
  );
}

function Changed({ change, pair }: { readonly change: Change; readonly pair: ItemPair }) {
  const t = useMessages();
  const isWhole = pair.before === null || pair.after === null;
  return (
    <>
      <td className="px-2 py-1.5 pointer-coarse:py-3">
        {isWhole ? (
          <span className={pair.before === null ? 'text-ok' : 'text-fail'}>
            {t(pair.before === null ? 'compare.new_item' : 'compare.gone_item')}
          </span>
        ) : (
          <code className="font-mono text-meta break-words">{change.path || t('data.value')}</code>
        )}
      </td>
      {isWhole ? (
        <Value value={change.before ?? change.after} tone={pair.before === null ? 'text-ok' : 'text-fail'} span={2} />
      ) : (
        <>
          <Value value={change.before} tone="text-fail" />
          <Value value={change.after} tone="text-ok" />
        </>
      )}
    </>
  );
}

/** One side of a change, at most a few lines of it. */
export function Value({
  value,
  tone,
  span,
}: {
  readonly value: unknown;
  readonly tone: string;
  readonly span?: number;
}) {
  const t = useMessages();
  if (value === undefined) return <td className="px-2 py-1.5 text-muted pointer-coarse:py-3">{t('compare.absent')}</td>;
  const text = inline(value);
  const isPlain = typeof value === 'string' && value !== '';
  return (
    <td colSpan={span} className="px-2 py-1.5 pointer-coarse:py-3" title={text}>
      <span className={`line-clamp-4 break-words ${tone} ${isPlain ? '' : 'font-mono text-meta leading-5'}`}>
        {value === '' ? '""' : text}
      </span>
    </td>
  );
}

function Whole({ item, label }: { readonly item: Item | null; readonly label: string }) {
  const t = useMessages();
  return (
    <div className="min-w-0 rounded-control border border-line">
      <p className="border-b border-line px-2 py-0.5 text-meta text-muted">{label}</p>
      {item === null ? (
        <p className="px-2 py-1 text-muted">{t('compare.absent')}</p>
      ) : (
        <div className="h-52">
          <JsonTree value={Object.keys(item.files ?? {}).length > 0 ? item : item.json} label={label} />
        </div>
      )}
    </div>
  );
}
