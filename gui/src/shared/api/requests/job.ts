import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

export const jobQuery = (job: string) =>
  queryOptions({
    queryKey: ['job', job],
    queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/jobs/{job}', { params: { path: { job } }, signal })),
  });
