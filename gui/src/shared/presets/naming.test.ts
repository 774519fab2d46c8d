import { describe, expect, it } from 'vitest';
import { freeName, nameFrom } from './naming';

describe('a name made of a title', () => {
  it.each([
    ['What a log says, by day', 'what-a-log-says-by-day'],
    ['  Überweisung — Café 2  ', 'uberweisung-cafe-2'],
    ['日本', 'workflow'],
    ['', 'workflow'],
    ['x'.repeat(90), 'x'.repeat(64)],
    [`${'x'.repeat(63)} y`, 'x'.repeat(63)],
  ])('%s → %s', (title, name) => expect(nameFrom(title)).toBe(name));
});

describe('a name that nobody has', () => {
  it('is the name itself while it is free', () => {
    expect(freeName('report', new Set(['other']))).toBe('report');
  });
  it('counts on from the names that are taken', () => {
    expect(freeName('report', new Set(['report', 'report-2']))).toBe('report-3');
    expect(freeName('report-2', new Set(['report', 'report-2']))).toBe('report-3');
  });
  it('stays within the bounds of names', () => {
    const long = 'x'.repeat(64);
    expect(freeName(long, new Set([long]))).toBe(`${'x'.repeat(62)}-2`);
  });
});
