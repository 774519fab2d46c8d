import { describe, expect, it } from 'vitest';
import { Unsent } from './unsent';

const shelf = () => {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key),
  };
};

describe('what the node has not got', () => {
  it('is known to other tabs and pages, for each node', () => {
    const place = shelf();
    new Unsent('http://a', place).set('one', true);
    expect(new Unsent('http://a', place).has('one')).toBe(true);
    expect(new Unsent('http://b', place).has('one')).toBe(false);
  });
  it('leaves nothing behind once the node has it', () => {
    const place = shelf();
    const unsent = new Unsent('http://a', place);
    unsent.set('one', true);
    unsent.set('one', false);
    expect(unsent.all()).toEqual([]);
    expect(place.kept.size).toBe(0);
  });
  it('is nothing where there is no storage, or it holds something else', () => {
    expect(new Unsent('x', undefined).all()).toEqual([]);
    expect(new Unsent('x', { ...shelf(), getItem: () => '{' }).all()).toEqual([]);
  });
});
