import { describe, expect, it } from 'vitest';
import type { DraftSummary, Job } from '@/shared/api/types';
import { arranged, matches, newestRuns, readWanted, writeWanted } from './arrange';

const draft = (id: string, title: string, steps = 1, changed_at = 0): DraftSummary => ({
  id,
  name: id,
  title,
  steps,
  changed_at,
});
const all = [draft('b', 'Beta 10', 3, 1), draft('a', 'beta 2', 1, 3), draft('c', '', 2, 2)];
const order = (wanted: Parameters<typeof arranged>[1]) =>
  arranged(all, wanted, new Set(['b']), ({ id }) => (id === 'c' ? 9 : 0)).map((it) => it.id);

describe('the list of workflows', () => {
  it('begins with what changed last', () => {
    expect(order({ text: '', order: 'changed', isOnOnly: false })).toEqual(['a', 'c', 'b']);
  });
  it('sorts titles as people do', () => {
    expect(order({ text: '', order: 'name', isOnOnly: false })).toEqual(['a', 'b', 'c']);
  });
  it('sorts by the last run and by size', () => {
    expect(order({ text: '', order: 'ran', isOnOnly: false })[0]).toBe('c');
    expect(order({ text: '', order: 'steps', isOnOnly: false })).toEqual(['b', 'c', 'a']);
  });
  it('shows only what is asked for', () => {
    expect(order({ text: 'BETA', order: 'name', isOnOnly: false })).toEqual(['a', 'b']);
    expect(order({ text: '', order: 'name', isOnOnly: true })).toEqual(['b']);
  });
  it('finds every word, wherever it stands', () => {
    expect(matches(draft('mail-daily', 'Report by mail'), 'mail report')).toBe(true);
    expect(matches(draft('mail-daily', 'Report by mail'), 'mail weekly')).toBe(false);
  });
});

describe('what is wanted of the list', () => {
  it('is what the address says', () => {
    const wanted = { text: '42', order: 'ran', isOnOnly: true } as const;
    expect(readWanted(writeWanted(wanted))).toEqual(wanted);
    expect(readWanted({ text: 42, order: 'odd' })).toEqual({ text: '42', order: 'changed', isOnOnly: false });
  });
});

describe('the newest run', () => {
  const job = (preset: string, name: string, accepted_at: number) => ({ preset, name, accepted_at }) as Job;
  it('is found by id and by name', () => {
    const found = newestRuns([job('id1', 'one', 5), job('file-one', 'one', 7), job('id1', 'old-name', 3)]);
    expect(found.get('id1')?.accepted_at).toBe(5);
    expect(found.get('one')?.accepted_at).toBe(7);
  });
});
