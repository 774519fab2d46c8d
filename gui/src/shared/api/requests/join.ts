import { api } from '../client';
import { unwrap } from '../problem';

/** What an invitation says. Nothing is sent to anybody. */
export const readInvitation = async (link: string) =>
  unwrap(await api.POST('/api/v1/peers/preview', { body: { link } }));

/** Joins whoever made the invitation. */
export const join = async (link: string, name: string | undefined) =>
  unwrap(await api.POST('/api/v1/peers', { body: { link, ...(name === undefined ? {} : { name }) } }));
