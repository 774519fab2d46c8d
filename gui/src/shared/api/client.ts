//! The node's API, typed by its own OpenAPI document. Requests live one per file in `requests/`.
import createClient from 'openapi-fetch';
import { nodeAddress } from '../auth/node-address';
import { authorise, sessionRefused } from '../auth/session';
import { Unreachable } from './problem';
import type { paths } from './schema';

/** `fetch` with the session's proof. A proxy in front of the node that finds nobody counts as unreachable. */
export async function nodeFetch(input: Request): Promise<Response> {
  const headers = new Headers(input.headers);
  const secret = authorise(headers);
  let answer: Response;
  try {
    answer = await fetch(new Request(input, { headers, credentials: 'omit' }));
  } catch (error) {
    if (input.signal.aborted) throw error;
    throw new Unreachable('the node does not answer', { cause: error });
  }
  if (answer.status === 401 && secret !== undefined) sessionRefused(secret);
  const isOurs = answer.headers.get('content-type')?.includes('json') ?? false;
  if (answer.status >= 500 && !isOurs)
    throw new Unreachable(`something in front of the node answered ${answer.status}`);
  return answer;
}

export const api = createClient<paths>({ baseUrl: nodeAddress(), fetch: nodeFetch });
