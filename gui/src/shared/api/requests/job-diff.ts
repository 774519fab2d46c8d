import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

/** What is not the same in two runs, as each is now. */
export const diffQuery = (job: string, other: string) =>
  queryOptions({
    queryKey: ['diff', job, other],
    queryFn: async ({ signal }) =>
      unwrap(await api.GET('/api/v1/jobs/{job}/diff/{other}', { params: { path: { job, other } }, signal })),
  });
