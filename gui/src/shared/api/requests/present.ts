import { api } from '../client';
import { unwrap } from '../problem';
import type { components } from '../schema';

/** One connection; `name` is what the node calls them. */
export type Present = components['schemas']['Present'];

/** Who has a document open. */
export async function presentAt(which: string, signal: AbortSignal): Promise<readonly Present[]> {
  return unwrap(await api.GET('/api/v1/presets/{which}/present', { params: { path: { which } }, signal }));
}
