import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import type { NewGrant, PassOn, TestGrant } from '../types';
import { LOOK_MS } from './mesh';

/** Who may use what: given by this node and held by it. */
export const grantsQuery = queryOptions({
  queryKey: ['mesh', 'grants'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/grants', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});

/** Lets somebody use an engine of this node. */
export const giveGrant = async (grant: NewGrant) => unwrap(await api.POST('/api/v1/grants', { body: grant }));

/** Takes a grant back; runs under it end. */
export const takeGrantBack = async (grant: string) =>
  unwrap(await api.DELETE('/api/v1/grants/{grant}', { params: { path: { grant } } }));

/** Lets a grant hold for longer: until a moment, or for as long again. A new one takes its place. */
export const renewGrant = async (grant: string, until?: number) =>
  unwrap(
    await api.POST('/api/v1/grants/{grant}/renew', {
      params: { path: { grant } },
      body: until === undefined ? {} : { until },
    }),
  );

/** Lets somebody else use what this node may use, within that. */
export const passOn = async (grant: string, body: PassOn) =>
  unwrap(await api.POST('/api/v1/grants/{grant}/pass-on', { params: { path: { grant } }, body }));

/** Whether somebody may do something, and why. */
export const testGrant = async (test: TestGrant) => unwrap(await api.POST('/api/v1/grants/test', { body: test }));
