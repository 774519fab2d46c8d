//! What the list of drafts does not tell by itself: how a workflow last ran, and what is wrong with it. Asked for only while
//! its row is in sight.
import { useQuery } from '@tanstack/react-query';
import { type RefObject, useEffect, useState } from 'react';
import { checkPreset } from '@/shared/api/requests/check-preset';
import { fetchDraft } from '@/shared/api/requests/draft';
import { fetchJobs, NO_FILTER } from '@/shared/api/requests/jobs';
import type { DraftSummary, Job } from '@/shared/api/types';

const NEWEST_MAX = 200;

/** The newest runs of the node: most rows find theirs in it with one request. */
export const useNewestJobs = () =>
  useQuery({
    queryKey: ['recent', 'workflows'],
    queryFn: ({ signal }) => fetchJobs(NO_FILTER, undefined, NEWEST_MAX, signal),
  });

/** Whether an element is or was in sight. */
export function useSeen(element: RefObject<Element | null>): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const at = element.current;
    if (!at || isSeen) return;
    const watch = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    watch.observe(at);
    return () => watch.disconnect();
  }, [element, isSeen]);
  return isSeen;
}

/** The last run of a workflow that is not among the newest of the node. A newer one would be among them. */
export const useOlderRun = (draft: DraftSummary, isWanted: boolean): Job | undefined =>
  useQuery({
    queryKey: ['last-run', draft.name],
    queryFn: ({ signal }) => fetchJobs({ ...NO_FILTER, preset: draft.name }, undefined, 1, signal),
    enabled: isWanted,
    staleTime: Infinity,
  }).data?.jobs[0];

/** What the node finds wrong with a draft as it is now. */
export const useProblems = (draft: DraftSummary, isWanted: boolean) =>
  useQuery({
    queryKey: ['problems', draft.id, draft.changed_at],
    queryFn: async ({ signal }) => checkPreset((await fetchDraft(draft.id, signal)).preset, signal),
    enabled: isWanted,
    staleTime: Infinity,
  });
