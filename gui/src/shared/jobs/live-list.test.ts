import { describe, expect, it } from 'vitest';
import { type JobFilter, NO_FILTER } from '../api/requests/jobs';
import type { Job } from '../api/types';
import { perMinute, withJob } from './live-list';

const job = (id: string, accepted_at: number, more: Partial<Job> = {}): Job => ({
  id,
  accepted_at,
  preset: 'p1',
  name: 'tour',
  version: 'v',
  state: 'running',
  priority: 0,
  last_seq: 1,
  ...more,
});

const pages = (...lists: Job[][]) => ({
  pageParams: lists.map(() => undefined),
  pages: lists.map((jobs, at) => ({
    jobs,
    next: at < lists.length - 1 ? 'next' : undefined,
    missing: [],
    index_lag: 0,
  })),
});

const ids = (of: ReturnType<typeof pages>) => of.pages.map((page) => page.jobs.map((it) => it.id).join(''));

describe('a live list of runs', () => {
  const list = pages([job('e', 50), job('c', 30)], [job('b', 20), job('a', 10)]);
  const put = (one: Job, filter: JobFilter = NO_FILTER, of = list) => ids(withJob(of, one, filter) as typeof list);

  it('puts a new run where its time says', () => {
    expect(put(job('f', 60))).toEqual(['fec', 'ba']);
    expect(put(job('d', 40))).toEqual(['edc', 'ba']);
    expect(put(job('0', 5))).toEqual(['ec', 'ba0']);
  });

  it('does not put in what lies beyond the loaded pages', () => {
    expect(put(job('0', 5), NO_FILTER, { ...list, pages: list.pages.slice(0, 1) })).toEqual(['ec']);
  });

  it('takes out a run that no longer fits the filter, and keeps one whose words only the node can search', () => {
    const running: JobFilter = { ...NO_FILTER, states: ['running'] };
    expect(put(job('c', 30, { state: 'failed', last_seq: 2 }), running)).toEqual(['e', 'ba']);
    expect(put(job('f', 60), { ...NO_FILTER, text: 'x' })).toEqual(['ec', 'ba']);
  });

  it('does not go back to an older line', () => {
    const newer = pages([job('c', 30, { last_seq: 9, state: 'succeeded' })]);
    expect(withJob(newer, job('c', 30, { last_seq: 3 }), NO_FILTER)).toBe(newer);
  });
});

describe('runs per minute', () => {
  it('counts each run in the minute it was accepted and in the minute it ended', () => {
    const minutes = perMinute(
      [
        job('a', 60_000, { ended_at: 120_001, state: 'succeeded' }),
        job('b', 119_999, { ended_at: 121_000, state: 'failed' }),
        job('c', 10),
      ],
      60_000,
      180_000,
    );
    expect(minutes).toEqual([
      { at: 60_000, accepted: 2, succeeded: 0, failed: 0 },
      { at: 120_000, accepted: 0, succeeded: 1, failed: 1 },
      { at: 180_000, accepted: 0, succeeded: 0, failed: 0 },
    ]);
  });
});
