//! The filter of the list of runs, as the address holds it.
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { JobFilter } from '@/shared/api/requests/jobs';
import { JOB_STATES, type JobState } from '@/shared/api/types';

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export function readFilter(search: Readonly<Record<string, unknown>>): JobFilter {
  const words = text(search.state).split(',');
  return {
    states: JOB_STATES.filter((state) => words.includes(state)),
    text: text(search.text),
    preset: text(search.preset),
  };
}

export function writeFilter(filter: JobFilter): Record<string, string | undefined> {
  return {
    state: filter.states.length > 0 ? filter.states.join(',') : undefined,
    text: filter.text || undefined,
    preset: filter.preset || undefined,
  };
}

export function useFilter(): [JobFilter, (change: Partial<JobFilter>) => void] {
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const navigate = useNavigate();
  const { state, text: words, preset } = search;
  const filter = useMemo(() => readFilter({ state, text: words, preset }), [state, words, preset]);
  const change = (part: Partial<JobFilter>) =>
    void navigate({ to: '/runs', search: writeFilter({ ...filter, ...part }), replace: true });
  return [filter, change];
}

export const toggled = (states: readonly JobState[], state: JobState): JobState[] =>
  states.includes(state) ? states.filter((it) => it !== state) : [...states, state];
