import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import { LOOK_MS } from './mesh';

/** The nodes of the local network that are not paired. */
export const nearbyQuery = queryOptions({
  queryKey: ['mesh', 'nearby'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/peers/nearby', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});
