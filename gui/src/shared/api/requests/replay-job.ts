import { api } from '../client';
import { noteStarted } from '../ends';
import { unwrap } from '../problem';
import type { paths } from '../schema';

export type ReplayAsk = paths['/api/v1/jobs/{job}/replay']['post']['requestBody'] extends
  | { content: { 'application/json': infer Body } }
  | undefined
  ? Body
  : never;

/** Starts a new run that goes on from a step of an ended one; without `from` everything runs again. */
export async function replayJob(job: string, ask: ReplayAsk) {
  const started = unwrap(await api.POST('/api/v1/jobs/{job}/replay', { params: { path: { job } }, body: ask }));
  noteStarted(started.job);
  return started;
}
