import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

export const nodeQuery = queryOptions({
  queryKey: ['node'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/node', { signal })),
});
