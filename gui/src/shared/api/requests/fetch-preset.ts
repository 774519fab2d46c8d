import { messages } from '../../i18n/messages';
import { api } from '../client';
import { unwrap } from '../problem';
import type { Preset } from '../types';
import { fetchLightPage } from './job-items';

const WAIT_MS = 30_000;

/**
 * The text behind an address, read by the node: other sites seldom let a page read theirs. It is a run of one HTTP request,
 * so that the list of runs tells what was asked for.
 */
export async function fetchPresetText(url: string): Promise<string> {
  const inline: Preset = {
    flowork: 'preset/1',
    name: 'fetch-workflow',
    title: url,
    steps: { fetch: { component: 'http-request', config: { url, response: 'text' } } },
    wires: {},
  };
  const answer = unwrap(
    await api.POST('/api/v1/jobs', { params: { query: { wait_ms: WAIT_MS } }, body: { inline } }),
  ) as { readonly id?: string; readonly error?: { readonly message: string } | null };
  if (answer.error) throw new Error(answer.error.message);
  // Without an id it has not ended within the time.
  if (answer.id === undefined) throw new Error(messages()('workflows.import.slow', { url }));
  const page = await fetchLightPage({ job: answer.id, run: 'fetch', side: 'out', offset: 0 }, undefined, 1);
  const item = page.items[0]?.json as { readonly body?: unknown } | undefined;
  return typeof item?.body === 'string' ? item.body : '';
}
