import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

export const approvalsQuery = queryOptions({
  queryKey: ['approvals'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/approvals', { signal })),
});
