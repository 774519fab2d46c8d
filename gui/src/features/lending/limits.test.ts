import { describe, expect, it } from 'vitest';
import { borrowingPreset } from './borrowing-preset';
import { dayText, endOf, LIMITS_FIRST, readLimits, wholeNumber } from './limits';

describe('limits as they are typed', () => {
  it('count in the units of the node', () => {
    expect(readLimits({ calls: '5', atOnce: ' 2 ', minutes: '10', mib: '3' })).toEqual({
      limits: { calls_per_hour: 5, concurrent: 2, seconds_per_day: 600, bytes_per_day: 3_145_728 },
      wrong: [],
    });
  });

  it('limit nothing where nothing stands', () => {
    expect(readLimits({ ...LIMITS_FIRST, calls: '', atOnce: '' }).limits).toEqual({});
  });

  it('that are no whole numbers are told', () => {
    expect(readLimits({ calls: '0', atOnce: '1.5', minutes: 'x', mib: '-1' }).wrong).toEqual([
      'calls',
      'atOnce',
      'minutes',
      'mib',
    ]);
    expect(wholeNumber('')).toBeUndefined();
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

describe('a workflow that borrows', () => {
  it('runs the friend’s workflow with what it is started with', () => {
    const words = { title: 'report at Ben', start: 'Start', step: 'report at Ben' };
    const preset = borrowingPreset({ workflow: 'report', engine: 'workshop', peer: 'Ben' }, words);
    expect(preset).toMatchObject({
      name: 'report-at-ben',
      triggers: { start: { component: 'manual' } },
      steps: { borrow: { component: 'borrow', config: { preset: 'report', peer: 'Ben', engine: 'workshop' } } },
      wires: { w1: { from: { step: 'start' }, to: { step: 'borrow' } } },
    });
  });

  it('asks anybody when its owner is no friend any more', () => {
    const words = { title: 'x', start: 's', step: 'x' };
    const { steps } = borrowingPreset({ workflow: 'report', engine: 'w', peer: undefined }, words);
    expect(steps?.borrow?.config).toEqual({ preset: 'report', engine: 'w' });
  });
});
