import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import { LOOK_MS } from './mesh';

/** What this node lends. */
export const enginesQuery = queryOptions({
  queryKey: ['mesh', 'engines'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/engines', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});

/** Lends workflows as they are now; who may use them, grants say. */
export const lend = async (engine: string, run: readonly string[], concurrent?: number) =>
  unwrap(
    await api.PUT('/api/v1/engines/{engine}', {
      params: { path: { engine } },
      body: { run: [...run], ...(concurrent === undefined ? {} : { concurrent }) },
    }),
  );

/** Lends an engine no more, or one thing that it does. */
export const unlend = async (engine: string, capability?: string): Promise<void> => {
  const query = capability === undefined ? {} : { capability };
  unwrap(await api.DELETE('/api/v1/engines/{engine}', { params: { path: { engine }, query }, parseAs: 'text' }));
};

/** Pauses or resumes one engine. */
export const pauseEngine = async (engine: string, paused: boolean): Promise<void> => {
  const params = { path: { engine } };
  unwrap(await api.PUT('/api/v1/engines/{engine}/lending', { params, body: { paused }, parseAs: 'text' }));
};

/** Pauses or resumes all lending. */
export const pauseLending = async (paused: boolean): Promise<void> => {
  unwrap(await api.PUT('/api/v1/lending', { body: { paused }, parseAs: 'text' }));
};
