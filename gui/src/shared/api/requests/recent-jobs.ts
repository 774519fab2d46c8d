import { queryOptions } from '@tanstack/react-query';
import type { Job } from '../types';
import { fetchJobs, NO_FILTER } from './jobs';

/** The most runs that are counted; past that the chart says from when on it is whole. */
export const RECENT_MAX = 3_000;
const PAGE = 1_000;

export type Recent = { readonly jobs: readonly Job[]; readonly since: number; readonly isCut: boolean };

/** All runs that were accepted in the last `ms` milliseconds, newest first. */
export const recentQuery = (ms: number) =>
  queryOptions({
    queryKey: ['recent', ms],
    queryFn: async ({ signal }): Promise<Recent> => {
      const since = Date.now() - ms;
      const jobs: Job[] = [];
      let after: string | undefined;
      do {
        const page = await fetchJobs({ ...NO_FILTER, since }, after, PAGE, signal);
        jobs.push(...page.jobs);
        after = page.next ?? undefined;
      } while (after !== undefined && jobs.length < RECENT_MAX);
      const oldest = jobs.at(-1)?.accepted_at ?? since;
      return { jobs, since: after === undefined ? since : oldest, isCut: after !== undefined };
    },
  });
