import { api } from '../client';
import { noteStarted } from '../ends';
import { unwrap } from '../problem';
import type { paths } from '../schema';

export type StartAsk = NonNullable<paths['/api/v1/jobs']['post']['requestBody']>['content']['application/json'];

/** Starts a run. The key makes a second press of the same button the same run. */
export async function startJob(ask: StartAsk, key: string): Promise<string> {
  const body = { ...ask, idempotency_key: key };
  const answer = unwrap(await api.POST('/api/v1/jobs', { body }));
  const job = 'job' in answer && typeof answer.job === 'string' ? answer.job : '';
  if (job !== '') noteStarted(job);
  return job;
}
