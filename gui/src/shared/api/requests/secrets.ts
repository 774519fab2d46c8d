import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

/** The names of secrets; their values never come out. */
export const secretsQuery = queryOptions({
  queryKey: ['secrets'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/secrets', { signal })),
});

export const setSecret = async (name: string, value: string) => {
  const answer = await api.PUT('/api/v1/secrets/{name}', {
    params: { path: { name } },
    body: { value },
    parseAs: 'text',
  });
  unwrap(answer);
};

export const removeSecret = async (name: string) => {
  unwrap(await api.DELETE('/api/v1/secrets/{name}', { params: { path: { name } }, parseAs: 'text' }));
};
