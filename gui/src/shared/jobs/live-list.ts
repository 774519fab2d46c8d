//! A list of runs that stays true while runs change: what the node's feed tells is put where it belongs.
import type { InfiniteData } from '@tanstack/react-query';
import type { JobFilter, JobsPage } from '../api/requests/jobs';
import type { Job } from '../api/types';

type Pages = InfiniteData<JobsPage, string | undefined>;

/** Whether a run belongs in a list; none when only the node can tell (search words look into items and logs). */
export function belongs(job: Job, filter: JobFilter): boolean | undefined {
  if (filter.states.length > 0 && !filter.states.includes(job.state)) return false;
  if (filter.preset && filter.preset !== job.name && filter.preset !== job.preset) return false;
  if (filter.since !== undefined && job.accepted_at < filter.since) return false;
  if (filter.until !== undefined && job.accepted_at >= filter.until) return false;
  return filter.text ? undefined : true;
}

const isNewer = (one: Job, other: Job): boolean =>
  one.accepted_at > other.accepted_at || (one.accepted_at === other.accepted_at && one.id > other.id);

/** The pages with one run as it is now: replaced, taken out, or put in its place by time. */
export function withJob(pages: Pages, job: Job, filter: JobFilter): Pages {
  const fits = belongs(job, filter);
  const at = pages.pages.findIndex((page) => page.jobs.some((known) => known.id === job.id));
  const change = (index: number, to: (jobs: Job[]) => Job[]): Pages => ({
    ...pages,
    pages: pages.pages.map((page, place) => (place === index ? { ...page, jobs: to(page.jobs) } : page)),
  });
  if (at >= 0) {
    const known = pages.pages[at]?.jobs.find((it) => it.id === job.id);
    // The feed may tell an older line than a request that was answered meanwhile.
    if (known && known.last_seq > job.last_seq) return pages;
    if (fits === false) return change(at, (jobs) => jobs.filter((it) => it.id !== job.id));
    return change(at, (jobs) => jobs.map((it) => (it.id === job.id ? job : it)));
  }
  if (fits !== true) return pages;
  const last = pages.pages.length - 1;
  for (let index = 0; index <= last; index += 1) {
    const jobs = pages.pages[index]?.jobs ?? [];
    const place = jobs.findIndex((known) => isNewer(job, known));
    if (place >= 0) return change(index, (all) => [...all.slice(0, place), job, ...all.slice(place)]);
  }
  // Older than all that is loaded: it stands here only when nothing follows.
  return pages.pages[last]?.next ? pages : change(last, (jobs) => [...jobs, job]);
}

/** Runs per minute, oldest minute first: how many ended well, ended badly and were accepted in each. */
export type Minute = {
  readonly at: number;
  readonly accepted: number;
  readonly succeeded: number;
  readonly failed: number;
};

const MINUTE = 60_000;

export function perMinute(jobs: readonly Job[], since: number, now: number): Minute[] {
  const first = Math.floor(since / MINUTE);
  const minutes = Array.from({ length: Math.floor(now / MINUTE) - first + 1 }, (_, at) => ({
    at: (first + at) * MINUTE,
    accepted: 0,
    succeeded: 0,
    failed: 0,
  }));
  const minute = (at: number | null | undefined) =>
    at === null || at === undefined ? undefined : minutes[Math.floor(at / MINUTE) - first];
  for (const job of jobs) {
    const [accepted, ended] = [minute(job.accepted_at), minute(job.ended_at)];
    if (accepted) accepted.accepted += 1;
    if (ended && job.state === 'succeeded') ended.succeeded += 1;
    if (ended && job.state === 'failed') ended.failed += 1;
  }
  return minutes;
}
