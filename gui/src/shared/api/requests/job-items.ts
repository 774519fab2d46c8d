import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

export const ITEMS_PAGE = 100;

export type ItemsAsk = {
  readonly job: string;
  readonly run: string;
  readonly side: 'in' | 'out';
  readonly port?: string;
  readonly at?: number;
  readonly offset: number;
};

export async function fetchItems({ job, ...ask }: ItemsAsk, limit = ITEMS_PAGE, signal?: AbortSignal) {
  const params = { path: { job }, query: { ...ask, limit } };
  return unwrap(await api.GET('/api/v1/jobs/{job}/items', { params, signal }));
}

/** One page of the items that went into or came out of a run, as it was after an event. */
export const itemsQuery = (ask: ItemsAsk) =>
  queryOptions({
    queryKey: ['items', ask.job, ask],
    queryFn: ({ signal }) => fetchItems(ask, ITEMS_PAGE, signal),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
