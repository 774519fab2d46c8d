import { describe, expect, it } from 'vitest';
import type { Item } from '../api/types';
import { type FetchPage, findItem, holds } from './find-items';

const items: Item[] = Array.from({ length: 250 }, (_, n) => ({ json: { n, word: n % 100 === 42 ? 'Needle' : 'hay' } }));
const asked: number[] = [];
const fetchPage: FetchPage = async (offset) => {
  asked.push(offset);
  return { items: items.slice(offset, offset + 100), offset, total: items.length };
};
const find = (wanted: string, from: number) => {
  asked.length = 0;
  return findItem(fetchPage, wanted, from, () => {}, new AbortController().signal);
};

describe('finding an item', () => {
  it('goes forwards from a place, page by page', async () => {
    expect(await find('needle', -1)).toBe(42);
    expect(await find('needle', 42)).toBe(142);
    expect(asked).toEqual([43]);
  });
  it('goes around at the end', async () => {
    expect(await find('needle', 242)).toBe(42);
    expect(asked).toEqual([243, 0]);
  });
  it('ends when nothing is found', async () => {
    expect(await find('nobody', 120)).toBeUndefined();
    expect(asked).toEqual([121, 221, 0, 100]);
  });
  it('of an empty list finds nothing', async () => {
    const none: FetchPage = async (offset) => ({ items: [], offset, total: 0 });
    expect(await findItem(none, 'x', -1, () => {}, new AbortController().signal)).toBeUndefined();
  });
  it('says how far it is', async () => {
    const said: number[] = [];
    await findItem(fetchPage, 'nobody', -1, ({ looked }) => said.push(looked), new AbortController().signal);
    expect(said).toEqual([100, 200, 250]);
  });
});

describe('an item', () => {
  it('is found by its fields and by the names of its files', () => {
    const item: Item = { json: { Ünit: 'x' }, files: { a: { blob: 'b', name: 'Invoice.pdf', size: 1 } } };
    expect([holds(item, 'ünit'), holds(item, 'invoice'), holds(item, 'other')]).toEqual([true, true, false]);
  });
});
