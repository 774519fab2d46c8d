import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

export const activationsQuery = queryOptions({
  queryKey: ['activations'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/activations', { signal })),
});

/** Fires the triggers of a workflow from now on, as its draft is now. */
export const activate = async (which: string) =>
  unwrap(await api.POST('/api/v1/presets/{which}/activate', { params: { path: { which } }, body: {} }));

/** Fires no trigger of a workflow any more. */
export const deactivate = async (which: string) =>
  unwrap(await api.POST('/api/v1/presets/{which}/deactivate', { params: { path: { which } } }));
