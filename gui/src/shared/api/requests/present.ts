//! Who has a document open. Typed by hand until the OpenAPI types know the endpoint.
import { nodeAddress } from '../../auth/node-address';
import { nodeFetch } from '../client';
import { ApiError } from '../problem';

/** One connection; `name` is what the node calls them. */
export type Present = { readonly peer_id: string; readonly name: string; readonly may_edit: boolean };

export async function presentAt(preset: string, signal: AbortSignal): Promise<readonly Present[]> {
  const url = `${nodeAddress()}/api/v1/presets/${encodeURIComponent(preset)}/present`;
  const answer = await nodeFetch(new Request(url, { signal }));
  const said: unknown = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, said && typeof said === 'object' ? said : {});
  return said as readonly Present[];
}
