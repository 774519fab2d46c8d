import { describe, expect, it } from 'vitest';
import { readValue, writeValue } from './json';

describe('a value that people type', () => {
  it.each([3, true, null, 'plain', '3', '', 'a "b"', [1, 'x'], { a: { b: 1 } }, '/var/log/dpkg.log'])(
    '%j survives being shown and read',
    (value) => {
      expect(readValue(writeValue(value))).toEqual(value);
    },
  );
});
