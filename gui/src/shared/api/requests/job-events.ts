import { nodeAddress } from '../../auth/node-address';
import { api, nodeFetch } from '../client';
import { unwrap } from '../problem';
import type { JobEvent } from '../types';

/** How many events one request asks for. */
export const EVENTS_PAGE = 2_000;

/** The events after `after`, in order; fewer than [`EVENTS_PAGE`] when that is all there are now. */
export async function fetchEvents(job: string, after: number, signal: AbortSignal) {
  const params = { path: { job }, query: { after, max: EVENTS_PAGE } };
  const events = unwrap(await api.GET('/api/v1/jobs/{job}/events', { params, signal }));
  // The document says as well what a feed that has ended answers; this is no feed.
  return Array.isArray(events) ? (events as JobEvent[]) : [];
}

/** Opens the live feed of a run after event `lastId`. */
export const openEvents = (job: string, lastId: string, signal: AbortSignal): Promise<Response> =>
  nodeFetch(
    new Request(`${nodeAddress()}/api/v1/jobs/${encodeURIComponent(job)}/events?after=${lastId || '0'}`, {
      headers: { accept: 'text/event-stream' },
      signal,
    }),
  );
