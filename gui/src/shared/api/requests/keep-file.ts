import { nodeAddress } from '../../auth/node-address';
import { nodeFetch } from '../client';
import { ApiError } from '../problem';
import type { BlobRef } from '../types';

/** Keeps a file on the node; items name it by what comes back. The body is its bytes, so no client of JSON sends it. */
export async function keepFile(file: File, signal?: AbortSignal): Promise<BlobRef> {
  const address = `${nodeAddress()}/api/v1/files?name=${encodeURIComponent(file.name)}`;
  const headers = { 'content-type': file.type || 'application/octet-stream' };
  const answer = await nodeFetch(new Request(address, { method: 'POST', headers, body: file, signal }));
  if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => ({})));
  return (await answer.json()) as BlobRef;
}
