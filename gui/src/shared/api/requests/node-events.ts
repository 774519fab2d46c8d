import { nodeAddress } from '../../auth/node-address';
import { nodeFetch } from '../client';

/** Opens the feed of what changes on the whole node. It begins with the newest runs and so needs no place to resume. */
export const openNodeEvents = (signal: AbortSignal): Promise<Response> =>
  nodeFetch(new Request(`${nodeAddress()}/api/v1/events`, { headers: { accept: 'text/event-stream' }, signal }));
