import { api } from '../client';
import { unwrap } from '../problem';

/** Ends a run. Its running steps are stopped. */
export const cancelJob = async (job: string, reason = '') =>
  unwrap(await api.POST('/api/v1/jobs/{job}/cancel', { params: { path: { job } }, body: { reason } }));
