import { api } from '../client';
import { unwrap } from '../problem';

/** Starts no further step of a run until it is resumed. */
export const pauseJob = async (job: string) =>
  unwrap(await api.POST('/api/v1/jobs/{job}/pause', { params: { path: { job } } }));

/** Lets a paused run go on. */
export const resumeJob = async (job: string) =>
  unwrap(await api.POST('/api/v1/jobs/{job}/resume', { params: { path: { job } } }));
