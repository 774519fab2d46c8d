import { describe, expect, it } from 'vitest';
import { rowsOf } from './field-list';
import { fieldNamesOf } from './known';
import { readItems, writeItems } from './pinned-text';
import { placed } from './problems';
import { inputFor, stepsIn } from './target';

describe('pinned data as text', () => {
  it('is the bare JSON of items without files', () => {
    expect(JSON.parse(writeItems([{ json: { a: 1 } }, { json: 5 }]))).toEqual([{ a: 1 }, 5]);
  });
  it('reads back as the items that it was written from', () => {
    const file = { blob: 'b', name: 'x.txt', size: 1 };
    const items = [{ json: { a: 1 } }, { json: { json: 1 } }, { json: 2, files: { data: file } }, { json: null }];
    expect(readItems(writeItems(items))).toEqual(items);
  });
  it('is nothing as long as it is no list', () => {
    expect(readItems('{"a": 1}')).toBeUndefined();
    expect(readItems('[1,')).toBeUndefined();
  });
});

describe('a pointer of a problem', () => {
  it('leads to the step and the field', () => {
    expect(placed('/steps/a/config/rules/0/op')).toMatchObject({ step: 'a', path: ['rules', '0', 'op'] });
    expect(placed('/triggers/hook/config/path').place).toEqual(['triggers', 'hook', 'config', 'path']);
    expect(placed('/steps/c/component')).toEqual({ step: 'c', place: ['steps', 'c', 'component'] });
    expect(placed('/wires/x/to')).toEqual({});
  });
});

describe('what a preview asks', () => {
  it('names the steps that the text reads', () => {
    expect(stepsIn(`{{ $('Read it').item.json.a + $("b").first() }} {{ $('Read it') }}`)).toEqual(['Read it', 'b']);
  });
  it('sends the one item that is looked at when all are too many', () => {
    const big = { json: 'x'.repeat(400_000) };
    expect(inputFor([big, big, { json: 3 }], 2)).toEqual({ input: [{ json: 3 }], item: 0 });
    expect(inputFor([{ json: 1 }, { json: 2 }], 1).item).toBe(1);
  });
});

describe('the fields of items', () => {
  it('are named with dots, deeper ones too', () => {
    expect(fieldNamesOf([{ json: { a: { b: 1 } } }, { json: { c: [] } }])).toEqual(['a', 'a.b', 'c']);
  });
  it('are listed below their parents, lists by their first element', () => {
    expect(rowsOf({ a: { b: 1 }, c: [{ d: 2 }, { e: 3 }] }).map((it) => it.path.join('.'))).toEqual([
      'a',
      'a.b',
      'c',
      'c.0',
      'c.0.d',
    ]);
  });
});
