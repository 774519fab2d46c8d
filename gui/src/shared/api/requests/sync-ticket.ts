//! A ticket that opens one connection to the documents. Typed by hand until the OpenAPI types know the endpoint.
import { nodeAddress } from '../../auth/node-address';
import { nodeFetch } from '../client';
import { ApiError } from '../problem';

type Ticket = { readonly ticket: string; readonly expires_at: number };

/** Asks for a ticket; it works once, within a minute. */
export async function syncTicket(signal: AbortSignal): Promise<string> {
  const answer = await nodeFetch(new Request(`${nodeAddress()}/api/v1/sync/tickets`, { method: 'POST', signal }));
  const said: unknown = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, said && typeof said === 'object' ? said : {});
  return (said as Ticket).ticket;
}
