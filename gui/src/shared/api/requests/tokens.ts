import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import type { Role } from '../types';

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/tokens', { signal })),
});

/** Makes a token. Its secret is in this answer and nowhere else. */
export const createToken = async (label: string, role: Role) =>
  unwrap(await api.POST('/api/v1/tokens', { body: { label, role } }));

export const removeToken = async (token: string) => {
  const answer = await api.DELETE('/api/v1/tokens/{token}', { params: { path: { token } }, parseAs: 'text' });
  unwrap(answer);
};
