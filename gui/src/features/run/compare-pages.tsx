import { useMutation, useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { fetchLightPage, ITEMS_PAGE, type ItemsAsk } from '@/shared/api/requests/job-items';
import type { Item } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Problem, Ready } from '@/shared/ui/states';
import { covered, findDifference, type Page, pairsOf } from './compare-items';
import { PairTable } from './compare-pairs';

/** The same output of two runs. */
export type TwoLists = {
  readonly before: string;
  readonly after: string;
  readonly run: string;
  readonly port: string;
};

/** How many items are looked through at a time for the next difference. */
const LOOK_AT_ONCE = 1_000;

async function fetchPages(of: TwoLists, offset: number, signal: AbortSignal, most = ITEMS_PAGE) {
  const page = async (job: string): Promise<Page> => {
    const ask: ItemsAsk = { job, run: of.run, side: 'out', port: of.port, offset };
    const { items, total } = await fetchLightPage(ask, signal, most);
    return { items: items as readonly Item[], offset, total };
  };
  return Promise.all([page(of.before), page(of.after)]);
}

/** Two lists of any length, compared a page at a time; the next difference is looked for through all pages. */
export function ComparedPages({ of, label }: { readonly of: TwoLists; readonly label: string }) {
  const t = useMessages();
  // Where each page began that was turned: heavy items come fewer at a time, so pages differ in length.
  const [starts, setStarts] = useState<readonly number[]>([0]);
  const offset = starts.at(-1) ?? 0;
  const pages = useQuery({
    queryKey: ['compared', of, offset],
    queryFn: ({ signal }) => fetchPages(of, offset, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  const [looked, setLooked] = useState<string>();
  const stop = useRef<AbortController>(undefined);
  const look = useMutation({
    mutationFn: async (from: number) => {
      stop.current = new AbortController();
      const { signal } = stop.current;
      const found = await findDifference(
        (at, link) => fetchPages(of, at, link, LOOK_AT_ONCE),
        from,
        (done, total) => setLooked(t('data.find.looked', { looked: done, total })),
        signal,
      );
      return signal.aborted ? offset : found;
    },
    onSuccess: (found) => {
      setLooked(found === undefined ? t('compare.no_further') : undefined);
      if (found !== undefined && found !== offset) setStarts([...starts, found]);
    },
    onError: () => setLooked(undefined),
  });
  return (
    <Ready of={pages} lines={3}>
      {([before, after]) => {
        const pairs = pairsOf(before, after);
        const count = covered(before, after);
        const total = Math.max(before.total, after.total);
        const end = offset + count;
        return (
          <>
            <div className="flex flex-wrap items-center gap-2 py-1">
              <span role="status" className="min-w-0 flex-1 text-muted">
                {looked ??
                  `${t('data.range', { from: Math.min(offset + 1, total), to: end, total })} · ${t('compare.differ', { count: pairs.length })}`}
              </span>
              {look.isPending ? (
                <Button onClick={() => stop.current?.abort()}>{t('data.find.stop')}</Button>
              ) : (
                <Button disabled={end >= total} onClick={() => look.mutate(end)}>
                  {t('compare.next')}
                </Button>
              )}
              <span className="flex gap-1">
                <Button
                  aria-label={t('data.previous')}
                  disabled={starts.length < 2}
                  onClick={() => {
                    setLooked(undefined);
                    setStarts(starts.slice(0, -1));
                  }}
                >
                  ‹
                </Button>
                <Button
                  aria-label={t('data.next')}
                  disabled={end >= total || count === 0}
                  onClick={() => {
                    setLooked(undefined);
                    setStarts([...starts, end]);
                  }}
                >
                  ›
                </Button>
              </span>
            </div>
            <Problem error={look.error} />
            {pairs.length > 0 && <PairTable pairs={pairs} label={label} />}
          </>
        );
      }}
    </Ready>
  );
}
