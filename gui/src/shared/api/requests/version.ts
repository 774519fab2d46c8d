import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

export const fetchVersion = async (version: string, signal: AbortSignal) =>
  unwrap(await api.GET('/api/v1/versions/{version}', { params: { path: { version } }, signal }));

/** A frozen version. It is named by its content and so never changes. */
export const versionQuery = (version: string) =>
  queryOptions({
    queryKey: ['version', version],
    queryFn: ({ signal }) => fetchVersion(version, signal),
    staleTime: Infinity,
    gcTime: 30 * 60_000,
  });
