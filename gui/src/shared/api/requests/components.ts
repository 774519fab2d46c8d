import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

export const componentsQuery = queryOptions({
  queryKey: ['components'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/components', { signal })),
  // Components change only with the node's program.
  staleTime: 10 * 60_000,
});
