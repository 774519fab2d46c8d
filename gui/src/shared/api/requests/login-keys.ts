import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import type { Role } from '../types';

/** The keys that may log in; each belongs to one browser. */
export const loginKeysQuery = queryOptions({
  queryKey: ['login-keys'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/login/keys', { signal })),
});

/** Lets a key in no more, and ends its sessions. */
export const removeLoginKey = async (key: string): Promise<void> => {
  unwrap(await api.DELETE('/api/v1/login/keys/{key}', { params: { path: { key } }, parseAs: 'text' }));
};

/** Makes a link that lets one browser in, once. Its token is in this answer and nowhere else. */
export const makeLoginLink = async (role: Role) => unwrap(await api.POST('/api/v1/login/links', { body: { role } }));
