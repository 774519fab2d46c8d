import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import type { ExportedReceipt, Receipt } from '../types';

export const RECEIPTS_PAGE = 50;

const EXPORT_PAGE = 1_000;

type Ended = Pick<Receipt, 'ended_at'>;

const keyOf = (it: Receipt): string => `${it.is_given} ${it.peer} ${it.call}`;

/** From where the next page is asked. Several may have ended in one millisecond: that one is asked for again unless it fills a page. */
export function nextBefore(page: readonly Ended[], size = RECEIPTS_PAGE): number | undefined {
  const last = page.at(-1);
  if (!last || page.length < size) return undefined;
  return last.ended_at === page[0]?.ended_at ? last.ended_at : last.ended_at + 1;
}

/** The receipts of pages in a row, each once. */
export function joined(pages: readonly (readonly Receipt[])[]): Receipt[] {
  return [...new Map(pages.flat().map((it) => [keyOf(it), it])).values()];
}

/** Receipts, newest first. */
export const receiptsQuery = infiniteQueryOptions({
  queryKey: ['mesh', 'receipts'],
  queryFn: async ({ pageParam, signal }) =>
    unwrap(
      await api.GET('/api/v1/receipts', {
        params: { query: { limit: RECEIPTS_PAGE, ...(pageParam === undefined ? {} : { before: pageParam }) } },
        signal,
      }),
    ),
  initialPageParam: undefined as number | undefined,
  getNextPageParam: (page) => nextBefore(page),
  staleTime: 0,
});

/** Sums of receipts per month, newest month first. */
export const totalsQuery = queryOptions({
  queryKey: ['mesh', 'totals'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/receipts/totals', { signal })),
  staleTime: 0,
});

type ExportPage = (before: number | undefined) => Promise<readonly ExportedReceipt[]>;

const exportPage: ExportPage = async (before) =>
  unwrap(
    await api.GET('/api/v1/receipts/export', {
      params: { query: { limit: EXPORT_PAGE, ...(before === undefined ? {} : { before }) } },
    }),
  );

/** All receipts with their signatures as lines of a file, newest first, each once. */
export async function exportedLines(pageOf: ExportPage = exportPage, size = EXPORT_PAGE): Promise<string[]> {
  const lines = new Map<string, string>();
  let before: number | undefined;
  do {
    const page = await pageOf(before);
    for (const { receipt } of page) lines.set(receipt.signed, JSON.stringify(receipt));
    before = nextBefore(page, size);
  } while (before !== undefined);
  return [...lines.values()];
}
