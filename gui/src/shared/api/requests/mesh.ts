import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

/** How often what other nodes change is looked at while it is seen: the node's feed does not tell of it. */
export const LOOK_MS = 3_000;

/** This node as others see it. */
export const meshQuery = queryOptions({
  queryKey: ['mesh', 'status'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/mesh', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});
