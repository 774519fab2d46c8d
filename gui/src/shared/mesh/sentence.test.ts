import { describe, expect, it } from 'vitest';
import type { Grant } from '../api/types';
import { messages } from '../i18n/messages';
import { allowedWords, componentOf, grantState, isPassedOn, limitWords, usedAs, usesOf, workflowOf } from './sentence';

describe('a grant in words', () => {
  const t = messages();
  const base = { who: 'Ana', uses: ['report', 'summary'], engine: 'workshop', until: undefined, depth: 0 };

  it('says who, what, and every limit', () => {
    const limits = { calls_per_hour: 20, concurrent: 1, seconds_per_day: 600, bytes_per_day: 1_048_576 };
    expect(allowedWords(t, { ...base, limits })).toBe(
      'Ana may use workshop for report and summary · at most 20 runs an hour · 1 at once · 10 min 00 s of work a day · 1 MiB a day',
    );
  });

  it('says when nothing is limited, and when nothing is allowed', () => {
    expect(allowedWords(t, { ...base, uses: [], limits: {} })).toBe(
      'Ana may use workshop for nothing · as much as they like',
    );
  });

  it('ends by its time or by being taken back', () => {
    const grant = { ends_at: 100, revoked_at: null } as unknown as Grant;
    expect([99, 100].map((now) => grantState(grant, now))).toEqual(['good', 'ended']);
    expect(grantState({ ...grant, revoked_at: 50 }, 99)).toBe('taken_back');
  });

  it('makes room for the one that it was renewed as, however long it would have held', () => {
    const grant = { ends_at: 100, revoked_at: null, renewed_as: 'abc' } as unknown as Grant;
    expect([99, 101].map((now) => grantState(grant, now))).toEqual(['renewed', 'renewed']);
    expect(grantState({ ...grant, revoked_at: 50 }, 99)).toBe('taken_back');
  });

  it('says how often it may be passed on', () => {
    const said = (depth: number) =>
      allowedWords(t, { ...base, limits: {}, depth })
        .split(' · ')
        .at(-1);
    expect([0, 1, 3].map(said)).toEqual(['as much as they like', 'may pass it on once', 'may pass it on 3 times']);
  });

  it('is passed on when it was given here and the engine is somebody else’s', () => {
    const grant = (is_given: boolean, owner_name: string | null) => ({ is_given, owner_name }) as unknown as Grant;
    expect([grant(true, 'Ana'), grant(true, null), grant(false, 'Ana')].map(isPassedOn)).toEqual([true, false, false]);
  });

  it('calls a capability by its workflow, or says that a model is asked', () => {
    const all = ['run:report', 'run:chat', 'chat', 'embed', 'tool:csv-parse'];
    const used = ['report', 'chat', 'chat with its model', 'embed', 'the component csv-parse'];
    expect(all.map((it) => usedAs(t, it))).toEqual(used);
    expect(usesOf(t, ['chat', 'run:report'])).toEqual(['report', 'chat with its model']);
    expect(all.map(workflowOf)).toEqual(['report', 'chat', undefined, undefined, undefined]);
    expect(all.map(componentOf)).toEqual([undefined, undefined, undefined, undefined, 'csv-parse']);
  });

  it('says how many tokens a model may read and write', () => {
    expect(limitWords(t, { tokens_per_day: 20_000 })).toEqual(['20,000 tokens a day']);
  });
});
