import { describe, expect, it } from 'vitest';
import { bytes, duration, durationMs } from './format';

describe('lengths of time', () => {
  it.each([
    [0, '0 µs'],
    [999, '999 µs'],
    [1_240, '1.2 ms'],
    [84_300, '84 ms'],
    [3_240_000, '3.2 s'],
    [245_000_000, '4 min 05 s'],
    [7_800_000_000, '2 h 10 min'],
    [273_600_000_000, '3 d 4 h'],
  ])('%d µs reads as %s', (us, text) => expect(duration(us)).toBe(text));

  it('reads milliseconds as well', () => expect(durationMs(1_500)).toBe('1.5 s'));
});

describe('sizes', () => {
  it('are binary and say so', () => {
    expect([0, 1_023, 1_536, 5 * 1_024 * 1_024, 3 * 1_024 ** 3].map(bytes)).toEqual([
      '0 B',
      '1,023 B',
      '1.5 KiB',
      '5 MiB',
      '3 GiB',
    ]);
  });
});
