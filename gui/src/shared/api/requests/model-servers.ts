import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

/** The model servers of this machine: those at the usual ports, or the one at an address. */
export const modelServersQuery = (at?: string) =>
  queryOptions({
    queryKey: ['model-servers', at ?? ''],
    queryFn: async ({ signal }) => {
      const query = at === undefined ? {} : { at };
      return unwrap(await api.GET('/api/v1/model-servers', { params: { query }, signal }));
    },
  });
