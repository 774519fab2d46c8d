import { expect, it } from 'vitest';
import { valueAt, withValue } from './value-target';

it('a value is set and taken away at its place, and what stands beside it stays', () => {
  const value = { url: 'a', headers: { A: '1', B: '2' }, list: ['x', 'y'] };
  expect(withValue(value, ['headers', 'A'], '3')).toEqual({ ...value, headers: { A: '3', B: '2' } });
  expect(withValue(value, ['headers', 'A'], undefined)).toEqual({ ...value, headers: { B: '2' } });
  expect(withValue(value, ['list', 0], undefined)).toEqual({ ...value, list: ['y'] });
  expect(withValue(value, ['list', 2], 'z')).toEqual({ ...value, list: ['x', 'y', 'z'] });
  expect(value.list).toEqual(['x', 'y']);
});

it('what is missing on the way is made: lists for numbers, objects for names', () => {
  expect(withValue({}, ['keys', 0, 'by'], 'name')).toEqual({ keys: [{ by: 'name' }] });
  expect(withValue(undefined, ['auth', 'bearer'], 's')).toEqual({ auth: { bearer: 's' } });
});

it('nothing is read where nothing is, nor what every object has', () => {
  expect(valueAt({ a: [1, { b: 2 }] }, ['a', 1, 'b'])).toBe(2);
  expect(valueAt({ a: 1 }, ['a', 'b', 'c'])).toBeUndefined();
  expect(valueAt({}, ['toString'])).toBeUndefined();
});
