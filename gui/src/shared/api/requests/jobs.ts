import { infiniteQueryOptions } from '@tanstack/react-query';
import { api } from '../client';
import { unwrap } from '../problem';
import type { JobState } from '../types';

/** Which runs a list should hold. */
export type JobFilter = {
  readonly states: readonly JobState[];
  readonly text: string;
  readonly preset: string;
  /** Only accepted at or after, in milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
};

export const PAGE = 100;
export const NO_FILTER: JobFilter = { states: [], text: '', preset: '' };

export async function fetchJobs(filter: JobFilter, after: string | undefined, limit = PAGE, signal?: AbortSignal) {
  const query = {
    state: filter.states.length > 0 ? filter.states.join(',') : undefined,
    text: filter.text || undefined,
    preset: filter.preset || undefined,
    since: filter.since,
    until: filter.until,
    after,
    limit,
  };
  return unwrap(await api.GET('/api/v1/jobs', { params: { query }, signal }));
}

export type JobsPage = Awaited<ReturnType<typeof fetchJobs>>;

export const jobsKey = (filter: JobFilter) => ['jobs', filter] as const;

export const jobsQuery = (filter: JobFilter) =>
  infiniteQueryOptions({
    queryKey: jobsKey(filter),
    queryFn: ({ pageParam, signal }) => fetchJobs(filter, pageParam, PAGE, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
