import { api } from '../client';
import { unwrap } from '../problem';

/** Asks for a ticket that opens one connection to the documents; it works once, within a minute. */
export async function syncTicket(signal: AbortSignal): Promise<string> {
  return unwrap(await api.POST('/api/v1/sync/tickets', { signal })).ticket;
}
