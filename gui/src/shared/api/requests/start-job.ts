import { api } from '../client';
import { unwrap } from '../problem';
import type { paths } from '../schema';
import type { Item } from '../types';

type Written = NonNullable<paths['/api/v1/jobs']['post']['requestBody']>['content']['application/json'];
/** `until` and `pins` go when the schema has them. */
export type StartAsk = Written & {
  /** Only these steps and what leads to them. */
  readonly until?: readonly string[];
  /** Outputs for this run only, by step and port. */
  readonly pins?: Readonly<Record<string, Readonly<Record<string, readonly Item[]>>>>;
};

/** Starts a run. The key makes a second press of the same button the same run. */
export async function startJob(ask: StartAsk, key: string): Promise<string> {
  const body = { ...ask, idempotency_key: key };
  const answer = unwrap(await api.POST('/api/v1/jobs', { body }));
  return 'job' in answer && typeof answer.job === 'string' ? answer.job : '';
}
