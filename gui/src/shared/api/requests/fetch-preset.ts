import { nodeAddress } from '../../auth/node-address';
import { nodeFetch } from '../client';
import { ApiError } from '../problem';

/** The text behind an address, read by the node: other sites seldom let a page read theirs. */
export async function fetchPresetText(url: string): Promise<string> {
  const answer = await nodeFetch(
    new Request(`${nodeAddress()}/api/v1/presets/fetch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url }),
    }),
  );
  const said: unknown = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, said as object);
  return said && typeof said === 'object' && 'text' in said && typeof said.text === 'string' ? said.text : '';
}
