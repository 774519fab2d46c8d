import { nodeAddress } from '../../auth/node-address';
import { nodeFetch } from '../client';
import { ApiError } from '../problem';

/** The bytes of a file that travels with an item. They need the session, so no plain link can fetch them. */
export async function fetchFile(blob: string, name: string, signal?: AbortSignal): Promise<Blob> {
  const address = `${nodeAddress()}/api/v1/files/${encodeURIComponent(blob)}?name=${encodeURIComponent(name)}`;
  const answer = await nodeFetch(new Request(address, { signal }));
  if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => ({})));
  return answer.blob();
}
