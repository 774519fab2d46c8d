import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';

/** Who is signed in: all for an admin, this browser's own for others. */
export const fetchSessions = async (signal?: AbortSignal) => unwrap(await api.GET('/api/v1/sessions', { signal }));

export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: ({ signal }) => fetchSessions(signal),
});

/** Ends a session. The browser may open another one with its key. */
export const endSession = async (session: string): Promise<void> => {
  unwrap(await api.DELETE('/api/v1/sessions/{session}', { params: { path: { session } }, parseAs: 'text' }));
};
