import { infiniteQueryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

const PAGE = 50;

/** Who was let in, refused, given or denied something, newest first. */
export const decisionsQuery = infiniteQueryOptions({
  queryKey: ['mesh', 'decisions'],
  queryFn: async ({ pageParam, signal }) =>
    unwrap(
      await api.GET('/api/v1/mesh/decisions', {
        params: { query: { limit: PAGE, ...(pageParam === undefined ? {} : { before: pageParam }) } },
        signal,
      }),
    ),
  initialPageParam: undefined as number | undefined,
  getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.no),
  staleTime: 0,
});
