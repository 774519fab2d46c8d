import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

/** The settings that differ from the default, by name. */
export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/settings', { signal })) as Record<string, unknown>,
});

/** Changes settings; null takes one back to its default. */
export const changeSettings = async (changes: Readonly<Record<string, unknown>>): Promise<void> => {
  unwrap(await api.PUT('/api/v1/settings', { body: { ...changes }, parseAs: 'text' }));
};
