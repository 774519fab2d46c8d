import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

export const presetsQuery = queryOptions({
  queryKey: ['presets'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/presets', { signal })),
});

export const presetQuery = (which: string) =>
  queryOptions({
    queryKey: ['presets', which],
    queryFn: async ({ signal }) =>
      unwrap(await api.GET('/api/v1/presets/{which}', { params: { path: { which } }, signal })),
  });
