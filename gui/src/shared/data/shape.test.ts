import { describe, expect, it } from 'vitest';
import { cellOf, columnsOf, inline, kindOfText, linesOf, textsOf } from './shape';

describe('a table of items', () => {
  const items = [{ json: { a: 1, b: 'x' } }, { json: { c: null, a: 2 } }, { json: 'plain' }];

  it('has every field once, in the order in which they come', () => {
    expect(columnsOf(items)).toEqual(['a', 'b', 'c', '']);
    expect(items.map((item) => cellOf(item, 'a'))).toEqual([1, 2, undefined]);
    expect(items.map((item) => cellOf(item, ''))).toEqual([undefined, undefined, 'plain']);
  });
});

describe('the lines of a tree', () => {
  const value = { list: [1, { deep: true }], text: 'x'.repeat(400), 'odd key': null };

  it('are open to the second level and cut long texts', () => {
    const lines = linesOf(value, new Set());
    expect(lines.map((line) => line.path)).toEqual(['', '.list', '.list[0]', '.list[1]', '.text', '["odd key"]']);
    expect(lines.find((line) => line.path === '.text')?.isCut).toBe(true);
    expect(lines.find((line) => line.path === '.list[1]')).toMatchObject({ children: 1, isOpen: false });
  });

  it('open and close by path', () => {
    const paths = (toggled: string[]) => linesOf(value, new Set(toggled)).map((line) => line.path);
    expect(paths(['.list[1]'])).toContain('.list[1].deep');
    expect(paths(['.list'])).not.toContain('.list[0]');
    expect(paths([''])).toEqual(['']);
  });
});

describe('many children', () => {
  const value = { list: Array.from({ length: 2_500 }, (_, n) => n) };
  const paths = (toggled: string[]) => linesOf(value, new Set(toggled)).map((line) => line.path);

  it('stand in stretches that open by themselves', () => {
    expect(paths([])).toEqual(['', '.list', '.list[0…999]', '.list[1000…1999]', '.list[2000…2499]']);
    expect(paths(['.list[2000…2499]'])).toHaveLength(505);
    expect(paths(['.list[2000…2499]']).at(-1)).toBe('.list[2499]');
  });
});

describe('a value in one line', () => {
  it.each([
    [{ a: 1, b: [true, null, 'x"y'] }, '{"a":1,"b":[true,null,"x\\"y"]}'],
    ['text', 'text'],
    [undefined, ''],
    [[], '[]'],
  ])('%j', (value, line) => expect(inline(value)).toBe(line));

  it('is cut, and only the beginning of a large value is looked at', () => {
    let looked = 0;
    const heavy = Array.from({ length: 1_000 }, () => ({
      get x() {
        looked += 1;
        return 'y'.repeat(100);
      },
    }));
    expect(inline(heavy)).toHaveLength(301);
    expect(inline(heavy).startsWith('[{"x":"yyyy')).toBe(true);
    expect(looked).toBeLessThan(20);
  });
});

describe('what a text may be shown as', () => {
  it.each([
    ['<svg xmlns="x"></svg>', 'svg'],
    ['<?xml version="1.0"?>\n<svg/>', 'text'],
    ['<?xml version="1.0"?>\n<svg ></svg>', 'svg'],
    ['<!doctype html><p>x', 'html'],
    ['Hello <b>x</b><script>alert(1)</script>', 'html'],
    ['# Title\ntext', 'markdown'],
    ['a **bold** word', 'markdown'],
    ['1 < 2 and 3 > 2', 'text'],
  ])('%s → %s', (text, kind) => expect(kindOfText(text)).toBe(kind));

  it('finds the texts inside an item', () => {
    expect(textsOf({ a: 'x', b: [{ c: 'y' }], d: 1 })).toEqual([
      { path: '.a', text: 'x' },
      { path: '.b[0].c', text: 'y' },
    ]);
  });
});
