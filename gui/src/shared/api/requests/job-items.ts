import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { nodeAddress } from '../../auth/node-address';
import { nodeFetch } from '../client';
import { ApiError } from '../problem';
import type { components } from '../schema';
import type { Item } from '../types';

export const ITEMS_PAGE = 100;
/** The most bytes of one page that is shown; heavier items come fewer at a time. */
export const PAGE_BYTES_MAX = 6 << 20;

export type ItemsAsk = {
  readonly job: string;
  readonly run: string;
  readonly side: 'in' | 'out';
  readonly port?: string;
  readonly at?: number;
  readonly offset: number;
};

export type ItemPage = components['schemas']['ItemPage'] & {
  /** How many items one page of this list holds. */
  readonly limit: number;
};

/** How many items of a list fit one page, once it was seen that fewer do. */
const fitting = new Map<string, number>();

/** The limit to ask with next when `limit` items gave `bytes`. */
export const lighter = (limit: number, bytes: number): number =>
  Math.max(1, Math.floor((limit * PAGE_BYTES_MAX * 0.75) / bytes));

/** One page that is not heavier than a screen can take: its answer says how long it is before it comes. */
export async function fetchLightPage(
  { job, ...ask }: ItemsAsk,
  signal?: AbortSignal,
  most = ITEMS_PAGE,
): Promise<ItemPage> {
  const list = [job, ask.run, ask.side, ask.port].join('\n');
  for (let limit = Math.min(most, fitting.get(list) ?? most); ; ) {
    const query = new URLSearchParams({
      run: ask.run,
      side: ask.side,
      offset: String(ask.offset),
      limit: String(limit),
    });
    if (ask.port !== undefined) query.set('port', ask.port);
    if (ask.at !== undefined) query.set('at', String(ask.at));
    const address = `${nodeAddress()}/api/v1/jobs/${encodeURIComponent(job)}/items?${query}`;
    const answer = await nodeFetch(new Request(address, { signal }));
    const bytes = Number(answer.headers.get('content-length') ?? 0);
    if (answer.ok && bytes > PAGE_BYTES_MAX && limit > 1) {
      await answer.body?.cancel();
      limit = lighter(limit, bytes);
      fitting.set(list, limit);
      continue;
    }
    const said: unknown = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new ApiError(answer.status, said as object);
    return { ...(said as components['schemas']['ItemPage']), limit };
  }
}

/** The first items of a list, at most `most`, in as many pages as it takes. */
export async function fetchFirst(
  ask: Omit<ItemsAsk, 'offset'>,
  most: number,
  fetch: typeof fetchLightPage = fetchLightPage,
): Promise<Item[]> {
  const items: Item[] = [];
  for (;;) {
    const page = await fetch({ ...ask, offset: items.length });
    items.push(...page.items);
    if (page.items.length === 0 || items.length >= Math.min(page.total, most)) return items.slice(0, most);
  }
}

/** One page of the items that went into or came out of a run, as it was after an event. */
export const itemsQuery = (ask: ItemsAsk) =>
  queryOptions({
    queryKey: ['items', ask.job, ask],
    queryFn: ({ signal }) => fetchLightPage(ask, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    // Pages may weigh megabytes; those that are not looked at go soon.
    gcTime: 60_000,
  });
