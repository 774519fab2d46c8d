import { describe, expect, it } from 'vitest';
import { changesOf, covered, findDifference, isSame, type Page, pairsOf } from './compare-items';

const item = (json: unknown, files?: Record<string, unknown>) => ({ json, ...(files ? { files } : {}) }) as never;

describe('what is not the same in two items', () => {
  it('is told field by field, whatever the depth', () => {
    const before = item({ id: 1, user: { name: 'Ana', tags: ['a', 'b'] }, 'odd key': 1 });
    const after = item({ id: 1, user: { name: 'Ben', tags: ['a', 'c', 'd'] }, 'odd key': 2 });
    expect(changesOf(before, after).changes).toEqual([
      { path: 'user.name', before: 'Ana', after: 'Ben' },
      { path: 'user.tags[1]', before: 'b', after: 'c' },
      { path: 'user.tags[2]', before: undefined, after: 'd' },
      { path: '["odd key"]', before: 1, after: 2 },
    ]);
  });

  it('a field that came, one that went, and null are three things', () => {
    expect(changesOf(item({ gone: null }), item({ came: null })).changes).toEqual([
      { path: 'gone', before: null, after: undefined },
      { path: 'came', before: undefined, after: null },
    ]);
  });

  it('a value that became another kind of value is one change', () => {
    expect(changesOf(item({ a: [1] }), item({ a: { b: 1 } })).changes).toEqual([
      { path: 'a', before: [1], after: { b: 1 } },
    ]);
    expect(changesOf(item('x'), item(3)).changes).toEqual([{ path: '', before: 'x', after: 3 }]);
  });

  it('an item that is only on one side is told whole', () => {
    expect(changesOf(null, item({ a: 1 })).changes).toEqual([{ path: '', before: undefined, after: { a: 1 } }]);
  });

  it('files count too', () => {
    const changes = changesOf(
      item({}, { data: { name: 'a.csv', size: 1 } }),
      item({}, { data: { name: 'a.csv', size: 2 } }),
    );
    expect(changes.changes).toEqual([{ path: 'files.data.size', before: 1, after: 2 }]);
  });

  it('no more fields are told than a screen takes, and that is said', () => {
    const list = (from: number) => item({ list: Array.from({ length: 50 }, (_, at) => at + from) });
    const found = changesOf(list(0), list(1), 10);
    expect([found.changes.length, found.isCut]).toEqual([10, true]);
    expect(changesOf(list(0), list(1), 50).isCut).toBe(false);
  });

  it('the order of keys makes no difference, a key of the prototype no field', () => {
    expect(isSame({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(isSame({ toString: 1 }, { b: 1 })).toBe(false);
    expect(changesOf(item({}), item({ constructor: 1 })).changes).toEqual([
      { path: 'constructor', before: undefined, after: 1 },
    ]);
  });
});

const page = (numbers: readonly number[], offset: number, total: number): Page => ({
  items: numbers.map((id) => item({ id })),
  offset,
  total,
});

describe('two lists', () => {
  it('differ where their items do; a longer one has items that the other lacks', () => {
    const pairs = pairsOf(page([1, 2], 10, 12), page([1, 3, 4], 10, 13));
    expect(pairs.map((pair) => [pair.index, pair.before?.json, pair.after?.json])).toEqual([
      [11, { id: 2 }, { id: 3 }],
      [12, undefined, { id: 4 }],
    ]);
  });

  it('are compared as far as both pages go, when one came shorter because its items are heavy', () => {
    expect(covered(page([1, 2], 0, 100), page([1, 2, 3, 4], 0, 100))).toBe(2);
    expect(covered(page([], 5, 5), page([1, 2, 3, 4], 5, 100))).toBe(4);
    expect(covered(page([], 5, 5), page([], 5, 5))).toBe(0);
  });

  it('are looked through for the next difference, to the end and no further', async () => {
    const [one, other] = [[...Array(25).keys()], [...Array(25).keys()].map((at) => (at === 17 ? 99 : at))];
    const asked: number[] = [];
    const fetch = async (offset: number) => {
      asked.push(offset);
      const of = (all: number[]) => page(all.slice(offset, offset + 10), offset, 25);
      return [of(one), of(other)] as const;
    };
    const stop = new AbortController();
    expect(await findDifference(fetch, 0, () => {}, stop.signal)).toBe(17);
    expect(await findDifference(fetch, 18, () => {}, stop.signal)).toBeUndefined();
    expect(asked).toEqual([0, 10, 18]);
  });
});
