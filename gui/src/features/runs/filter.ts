//! The filter of the list of runs, as the address holds it.
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { JobFilter } from '@/shared/api/requests/jobs';
import { JOB_STATES, type JobState } from '@/shared/api/types';

/** How far back a list may be asked to go, by its word in the address. */
export const SPANS = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000, '30d': 30 * 86_400_000 } as const;
export type SpanName = keyof typeof SPANS;

export const spanOf = (value: unknown): SpanName | undefined =>
  typeof value === 'string' && Object.hasOwn(SPANS, value) ? (value as SpanName) : undefined;

const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

export function readFilter(search: Readonly<Record<string, unknown>>, now = Date.now()): JobFilter {
  const span = spanOf(search.since);
  const words = text(search.state).split(',');
  return {
    states: JOB_STATES.filter((state) => words.includes(state)),
    text: text(search.text),
    preset: text(search.preset),
    since: span && now - SPANS[span],
  };
}

export function writeFilter(filter: JobFilter, since: SpanName | undefined): Record<string, string | undefined> {
  return {
    since,
    state: filter.states.length > 0 ? filter.states.join(',') : undefined,
    text: filter.text || undefined,
    preset: filter.preset || undefined,
  };
}

export type FilterChange = Partial<Omit<JobFilter, 'since' | 'until'>> & { readonly span?: SpanName | 'any' };

export function useFilter() {
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const navigate = useNavigate();
  const { state, text: words, preset, since } = search;
  // The moment from which on runs count stands still while the list is looked at.
  const filter = useMemo(() => readFilter({ state, text: words, preset, since }), [state, words, preset, since]);
  const span = spanOf(since);
  const change = ({ span: next, ...part }: FilterChange) => {
    const kept = next === undefined ? span : next === 'any' ? undefined : next;
    void navigate({ to: '/runs', search: writeFilter({ ...filter, ...part }, kept), replace: true });
  };
  return { filter, span, change };
}

export const toggled = (states: readonly JobState[], state: JobState): JobState[] =>
  states.includes(state) ? states.filter((it) => it !== state) : [...states, state];
