import { describe, expect, it } from 'vitest';
import { dayText, endOf, LIMITS_FIRST, LIMITS_NONE, mostOf, readLimits, tooMuch, wholeNumber } from './limits';

describe('limits as they are typed', () => {
  it('count in the units of the node', () => {
    expect(readLimits({ calls: '5', atOnce: ' 2 ', minutes: '10', mib: '3', tokens: '2000' }, true)).toEqual({
      limits: {
        calls_per_hour: 5,
        concurrent: 2,
        seconds_per_day: 600,
        bytes_per_day: 3_145_728,
        tokens_per_day: 2_000,
      },
      wrong: [],
    });
  });

  it('limit nothing where nothing stands', () => {
    expect(readLimits({ ...LIMITS_FIRST, calls: '', atOnce: '' }, true).limits).toEqual({});
  });

  it('of tokens count only where a model is asked', () => {
    const texts = { ...LIMITS_FIRST, calls: '', atOnce: '', tokens: 'many' };
    expect(readLimits(texts, false)).toEqual({ limits: {}, wrong: [] });
    expect(readLimits(texts, true).wrong).toEqual(['tokens']);
  });

  it('that are no whole numbers are told', () => {
    expect(readLimits({ calls: '0', atOnce: '1.5', minutes: 'x', mib: '-1', tokens: '1,000' }, true).wrong).toEqual([
      'calls',
      'atOnce',
      'minutes',
      'mib',
      'tokens',
    ]);
    expect(wholeNumber('')).toBeUndefined();
  });
});

describe('limits within those of a grant that is passed on', () => {
  const outer = { calls_per_hour: 20, seconds_per_day: 90, bytes_per_day: null };

  it('are told in the units of the form, never more than they are', () => {
    expect((['calls', 'minutes', 'mib', 'tokens'] as const).map((it) => mostOf(outer, it))).toEqual([
      20,
      1,
      undefined,
      undefined,
    ]);
  });

  it('may be narrower, not wider', () => {
    expect(tooMuch({ ...LIMITS_NONE, calls: '20', mib: '9', minutes: 'x' }, outer)).toEqual([]);
    expect(tooMuch({ ...LIMITS_NONE, calls: '21', minutes: '2' }, outer)).toEqual(['calls', 'minutes']);
  });
});

describe('the end of a grant', () => {
  it('is a span from now, or the end of a day', () => {
    expect(endOf('week', '', 1_000)).toBe(1_000 + 7 * 86_400_000);
    const end = endOf('date', '2026-12-24', 0) ?? 0;
    expect(dayText(end)).toBe('2026-12-24');
    expect(dayText(end + 1_000)).toBe('2026-12-25');
  });

  it('is not known before a day is chosen', () => {
    expect(endOf('date', '', 0)).toBeUndefined();
  });
});
