import { api } from '../client';
import { unwrap } from '../problem';

export type Decision = {
  readonly job: string;
  readonly run: string;
  readonly approved: boolean;
  readonly note: string;
};

/** Answers an approval. */
export const decide = async ({ job, run, approved, note }: Decision) =>
  unwrap(await api.POST('/api/v1/jobs/{job}/decide', { params: { path: { job } }, body: { run, approved, note } }));
