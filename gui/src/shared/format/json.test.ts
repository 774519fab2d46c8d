import { describe, expect, it } from 'vitest';
import { asText, readValue, writeValue } from './json';

describe('a value that people type', () => {
  it.each([3, true, null, 'plain', '3', '', 'a "b"', [1, 'x'], { a: { b: 1 } }, '/var/log/dpkg.log'])(
    '%j survives being shown and read',
    (value) => {
      expect(readValue(writeValue(value))).toEqual(value);
    },
  );
});

it('in a field of text a text is itself, nothing is empty, and the rest is JSON', () => {
  expect(['a "b"', undefined, null, 30, true, ['x'], { a: 1 }].map(asText)).toEqual([
    'a "b"',
    '',
    '',
    '30',
    'true',
    '["x"]',
    '{"a":1}',
  ]);
});
