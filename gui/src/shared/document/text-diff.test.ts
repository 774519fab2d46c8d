import { describe, expect, it } from 'vitest';
import { chance, seedOf } from './testing/chance';
import { hunks } from './text-diff';

/** What goes and what comes at each place; carrying it out gives the new text. */
function check(old: string, now: string): string[][] {
  const found = hunks(old, now);
  let made = old;
  for (const { from, to, put } of [...found].reverse()) made = made.slice(0, from) + put + made.slice(to);
  expect(made).toBe(now);
  return found.map(({ from, to, put }) => [old.slice(from, to), put]);
}

describe('a text that becomes another', () => {
  it('is held together by the lines that stay', () => {
    expect(check('a\nb\nc\nd\n', 'x\nb\nc\ny\n')).toEqual([
      ['a', 'x'],
      ['d', 'y'],
    ]);
    expect(check('same', 'same')).toEqual([]);
    expect(check('', 'ü')).toEqual([['', 'ü']]);
    expect(check('one\ntwo\n', '')).toEqual([['one\ntwo\n', '']]);
    expect(check('1\n2\n3\n4\n', '2\n3\n4\n1\n')).toEqual([
      ['1\n', ''],
      ['', '\n1'],
    ]);
  });

  it('never has a letter cut apart', () => {
    expect(check('a🎈b', 'a🎉b')).toEqual([['🎈', '🎉']]);
    expect(check('🎈', '🎈🎉')).toEqual([['', '🎉']]);
  });

  it('comes out whatever the texts are', () => {
    const seed = seedOf();
    const random = chance(seed);
    const any = () =>
      Array.from({ length: Math.floor(random() * 30) }, () => 'ab\n\nc'[Math.floor(random() * 5)]).join('');
    for (let round = 0; round < 2_000; round += 1) check(any(), any());
  });
});
