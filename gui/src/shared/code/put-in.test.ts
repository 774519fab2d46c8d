import { expect, test } from 'vitest';
import { placed } from './put-in';

const after = (text: string, code: string) => {
  const at = text.indexOf('|');
  const plain = text.replace('|', '');
  const { from, to, insert, start, end } = placed(plain, at, code);
  const result = plain.slice(0, from) + insert + plain.slice(to);
  expect(result.slice(start, end).replace(/^[ \t]+/gm, '')).toBe(code.replace(/^[ \t]+/gm, ''));
  return result;
};

test('an empty script, blank lines included, becomes the code', () => {
  expect(after('|', 'a\nb')).toBe('a\nb');
  expect(after('\n  |\n', 'a')).toBe('a');
});

test('code goes below the line of the cursor and leaves that line whole', () => {
  expect(after('on|e\ntwo', 'a\nb')).toBe('one\na\nb\ntwo');
  expect(after('one\ntwo|', 'a')).toBe('one\ntwo\na');
});

test('a blank line at the cursor takes the code', () => {
  expect(after('one\n|\ntwo', 'a')).toBe('one\na\ntwo');
});

test('code is indented as the line it comes after', () => {
  expect(after('for x in y:\n    one|', 'a:\n    b\n\nc')).toBe('for x in y:\n    one\n    a:\n        b\n\n    c');
});
