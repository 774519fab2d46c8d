import { queryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import { LOOK_MS } from './mesh';

/** The invitations that were made, without their secrets. */
export const invitationsQuery = queryOptions({
  queryKey: ['mesh', 'invitations'],
  queryFn: async ({ signal }) => unwrap(await api.GET('/api/v1/peers/invitations', { signal })),
  staleTime: 0,
  refetchInterval: LOOK_MS,
});

/** Makes an invitation. Its link is in this answer and nowhere else. */
export const invite = async (name: string | undefined, minutes: number) =>
  unwrap(await api.POST('/api/v1/peers/invitations', { body: { minutes, ...(name === undefined ? {} : { name }) } }));

/** Takes an invitation back. */
export const takeInvitationBack = async (invitation: string): Promise<void> => {
  const params = { path: { invitation } };
  unwrap(await api.DELETE('/api/v1/peers/invitations/{invitation}', { params, parseAs: 'text' }));
};
