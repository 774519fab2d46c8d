import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import { LOOK_MS } from './mesh';

/** The nodes that this one is paired with, and how each is reached now. */
export const peersQuery = queryOptions({
  queryKey: ['mesh', 'peers'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/peers', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});

/** Calls a peer something else, here only. */
export const renamePeer = async (peer: string, name: string) =>
  unwrap(await api.PATCH('/api/v1/peers/{peer}', { params: { path: { peer } }, body: { name } }));

/** What would end with a peer. */
export const partingQuery = (peer: string) =>
  queryOptions({
    queryKey: ['parting', peer],
    queryFn: async ({ signal }) =>
      unwrap(await api.GET('/api/v1/peers/{peer}/parting', { params: { path: { peer } }, signal })),
    staleTime: 0,
  });

/** Removes a peer: everything between the two nodes ends. */
export const removePeer = async (peer: string) =>
  unwrap(await api.DELETE('/api/v1/peers/{peer}', { params: { path: { peer } } }));
