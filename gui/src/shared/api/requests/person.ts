import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import { LOOK_MS } from './mesh';

/** Whose node this is, and which others are theirs. */
export const personQuery = queryOptions({
  queryKey: ['mesh', 'person'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/person', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});
