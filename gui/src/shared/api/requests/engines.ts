import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import type { LentTool, ModelAt, Policy } from '../types';
import { LOOK_MS } from './mesh';

/** What this node lends. */
export const enginesQuery = queryOptions({
  queryKey: ['mesh', 'engines'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/engines', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});

/** What is lent: workflows as they are now, a single component as it is set, or a model of a server of this machine. */
export type Lent =
  | { readonly run: readonly string[] }
  | { readonly tool: readonly LentTool[] }
  | { readonly chat: ModelAt };

/** Lends something; who may use it, grants say. */
export const lend = async (engine: string, what: Lent, concurrent?: number) =>
  unwrap(
    await api.PUT('/api/v1/engines/{engine}', {
      params: { path: { engine } },
      body: {
        ...('chat' in what ? what : 'run' in what ? { run: [...what.run] } : { tool: [...what.tool] }),
        ...(concurrent === undefined ? {} : { concurrent }),
      },
    }),
  );

/** Lends an engine no more, or one thing that it does. */
export const unlend = async (engine: string, capability?: string): Promise<void> => {
  const query = capability === undefined ? {} : { capability };
  unwrap(await api.DELETE('/api/v1/engines/{engine}', { params: { path: { engine }, query }, parseAs: 'text' }));
};

/** Says when an engine is lent. */
export const setPolicy = async (engine: string, policy: Policy) =>
  unwrap(await api.PUT('/api/v1/engines/{engine}/policy', { params: { path: { engine } }, body: policy }));

/** Pauses or resumes one engine. */
export const pauseEngine = async (engine: string, paused: boolean): Promise<void> => {
  const params = { path: { engine } };
  unwrap(await api.PUT('/api/v1/engines/{engine}/lending', { params, body: { paused }, parseAs: 'text' }));
};

/** Pauses or resumes all lending. */
export const pauseLending = async (paused: boolean): Promise<void> => {
  unwrap(await api.PUT('/api/v1/lending', { body: { paused }, parseAs: 'text' }));
};
