import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import type { NewRequest } from '../types';
import { LOOK_MS } from './mesh';

/** What friends ask to use. */
export const requestsQuery = queryOptions({
  queryKey: ['mesh', 'requests'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/requests', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});

/** Puts a request away. Whoever asked is not told. */
export const dropRequest = async (request: string): Promise<void> => {
  unwrap(await api.DELETE('/api/v1/requests/{request}', { params: { path: { request } }, parseAs: 'text' }));
};

/** Asks a friend to be let use something. */
export const askFriend = async (peer: string, body: NewRequest): Promise<void> => {
  unwrap(await api.POST('/api/v1/peers/{peer}/requests', { params: { path: { peer } }, body, parseAs: 'text' }));
};
