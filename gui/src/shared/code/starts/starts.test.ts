import { expect, test } from 'vitest';
import { STARTS, type StartsOf, snippetsFor, startText } from '.';
import { fieldsFor } from './start';

test('code names fields that the data has: its first text and its first number', () => {
  const items = [{ json: { id: 7, 'full name': 'Ada', city: 'Paris' } }, { json: { city: 1, price: 4 } }];
  expect(fieldsFor(items)).toEqual({ text: 'city', number: 'id' });
});

test('without data, and for names that need quotes, there are names to replace', () => {
  expect(fieldsFor([])).toEqual({ text: 'name', number: 'amount' });
  expect(fieldsFor([{ json: { "o'clock": 3, 'a-b': 'x' } }, { json: null }, {}])).toEqual({
    text: 'name',
    number: 'amount',
  });
});

test('the sentence above the code is cut into lines that the narrow panel shows', () => {
  const text = startText(STARTS.python.start.all, () => 'one two three four five six seven eight nine');
  expect(text).toMatch(/^# one two three four five six seven\n# eight nine\nresults = \[\]/);
});

test('every language has something to start from in both modes, and pieces for both', () => {
  for (const of of Object.keys(STARTS) as StartsOf[])
    for (const mode of ['all', 'each'] as const) {
      const { sign } = STARTS[of].start[mode].comment;
      expect(startText(STARTS[of].start[mode], () => 'said')).toMatch(new RegExp(`^${sign} said\n\\S`));
      const ids = snippetsFor(of, mode).map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.length).toBeGreaterThan(0);
    }
});
