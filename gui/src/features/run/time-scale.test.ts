import { describe, expect, it } from 'vitest';
import { joined, placeOf, stretches } from './time-scale';

describe('the line of time', () => {
  it('joins what runs at the same time', () => {
    expect(
      joined([
        { from: 5, to: 9 },
        { from: 0, to: 6 },
        { from: 20, to: 30 },
      ]),
    ).toEqual([
      { from: 0, to: 9 },
      { from: 20, to: 30 },
    ]);
  });

  it('folds a long pause and leaves a short one', () => {
    const hour = 3_600_000;
    const line = stretches([
      { from: 0, to: 1_000 },
      { from: 1_500, to: 2_000 },
      { from: hour, to: hour + 1_000 },
    ]);
    expect(line.map((part) => part.isIdle)).toEqual([false, true, false]);
    expect(line.at(-1)?.right).toBeCloseTo(1);
    const idle = line[1];
    expect((idle?.right ?? 0) - (idle?.left ?? 0)).toBeCloseTo(0.06);
    expect(placeOf(line, 0)).toBe(0);
    expect(placeOf(line, hour + 1_000)).toBeCloseTo(1);
    expect(placeOf(line, 1_000)).toBeLessThan(placeOf(line, 1_500));
  });

  it('stands still for a run without time', () => {
    expect(placeOf([], 5)).toBe(0);
    expect(placeOf(stretches([{ from: 3, to: 3 }]), 3)).toBe(0);
  });
});
