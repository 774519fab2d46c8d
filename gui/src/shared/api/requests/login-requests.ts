import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { isForbidden, unwrap } from '../problem';
import type { Role } from '../types';

/** How often it is looked whether somebody asks to be let in. */
const LOOK_MS = 10_000;

/** The browsers that ask to be let in. Who may not see them is not asked again. */
export const loginRequestsQuery = queryOptions({
  queryKey: ['login-requests'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/login/requests', { signal })),
  refetchInterval: (query) => (isForbidden(query.state.error) ? false : LOOK_MS),
});

/** Lets the browser of a request in. */
export const letIn = async ({ request, role }: { readonly request: string; readonly role: Role }) =>
  unwrap(await api.POST('/api/v1/login/requests/{request}/approve', { params: { path: { request } }, body: { role } }));

/** Refuses a request. */
export const refuseLogin = async (request: string): Promise<void> => {
  unwrap(await api.DELETE('/api/v1/login/requests/{request}', { params: { path: { request } }, parseAs: 'text' }));
};
