import { describe, expect, it } from 'vitest';
import { chance, seedOf } from './testing/chance';
import { applied, compose, inverse, moved, movedPosition, splice, splices, type TextChange } from './text-change';

/** A change of a text of such a length, by chance. */
function anyChange(random: () => number, length: number): TextChange {
  const made: (number | string)[] = [];
  let left = length;
  while (random() < 0.8) {
    const kind = random();
    const count = Math.floor(random() * Math.min(4, left + 1));
    if (kind < 0.4) made.push('abcdef'.slice(0, 1 + Math.floor(random() * 4)));
    else if (count > 0) {
      made.push(kind < 0.7 ? count : -count);
      left -= count;
    }
  }
  return compose([], made);
}

describe('changes of a text', () => {
  it('hold the laws that undo rests on', () => {
    const seed = seedOf();
    const random = chance(seed);
    for (let round = 0; round < 3_000; round += 1) {
      const text = 'the quick brown fox'.slice(0, Math.floor(random() * 20));
      const one = anyChange(random, text.length);
      const other = anyChange(random, text.length);
      const after = applied(text, one);
      const next = anyChange(random, after.length);
      const said = `seed ${seed}: ${JSON.stringify({ text, one, other, next })}`;
      expect(applied(after, next), said).toBe(applied(text, compose(one, next)));
      expect(applied(after, inverse(one, text)), said).toBe(text);
      const left = applied(after, moved(other, one, false));
      expect(left, said).toBe(applied(applied(text, other), moved(one, other, true)));
      let made = text;
      for (const { at, drop, put } of splices(one)) made = made.slice(0, at) + put + made.slice(at + drop);
      expect(made, said).toBe(after);
    }
  });

  it('move places', () => {
    const change = compose(splice(2, 0, 'xx'), splice(6, 2, ''));
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((at) => movedPosition(at, change, 'before'))).toEqual([0, 1, 2, 5, 6, 6, 6, 7]);
    expect(movedPosition(2, change, 'after')).toBe(4);
    expect(movedPosition(3, [], 'after')).toBe(3);
  });
});
