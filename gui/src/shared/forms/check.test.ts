import { describe, expect, it } from 'vitest';
import { check } from './check';
import { nextTimes, readCron } from './cron';
import { inserted, placesFor } from './insert';
import recorded from './recorded/components.json';
import { formOf } from './schema';
import { readSpan, writeSpan } from './spans';

const form = (name: string) => formOf(name, recorded.find((it) => it.name === name)?.config);
const wrong = (name: string, value: unknown) =>
  check(form(name), value).map((it) => ('value' in it ? [it.at, it.key, it.value] : [it.at, it.key]));

describe('what is wrong with a config', () => {
  it.each(recorded.map((it) => [it.name, it.example.config] as const))(
    'nothing with the example of %s',
    (name, example) => {
      expect(check(form(name), example)).toEqual([]);
    },
  );
  it('is told at the field', () => {
    expect(wrong('http-request', { url: 5, at_once: 0, bla: 1 })).toEqual([
      ['/url', 'form.wrong.type'],
      ['/at_once', 'form.wrong.least', 1],
      ['/bla', 'form.wrong.unknown', 'bla'],
    ]);
    expect(wrong('http-request', {})).toEqual([['/url', 'form.wrong.missing']]);
    expect(wrong('sort', { keys: [] })).toEqual([['/keys', 'form.wrong.fewer', 1]]);
    expect(wrong('sort', { keys: [{ by: 'a', direction: 'left' }] })).toEqual([
      ['/keys/0/direction', 'form.wrong.choice'],
    ]);
    expect(wrong('webhook', { path: 'A b' })).toEqual([['/path', 'form.wrong.pattern']]);
    expect(wrong('wait', { for: 'soon' })).toEqual([['/for', 'form.wrong.span']]);
  });
  it('is nothing for an expression where expressions are taken, and said where they are not', () => {
    expect(wrong('limit', { count: '{{ $json.n }}' })).toEqual([]);
    expect(wrong('loop', { batch: '{{ $vars.n }}' })).toEqual([]);
    expect(wrong('code', { code: 'x', timeout_ms: '{{ 5 }}' })).toEqual([
      ['/timeout_ms', 'form.wrong.expression_here'],
    ]);
  });
  it('is left to the node where a schema cannot be read here', () => {
    const properties = { a: { $ref: '#/nowhere' }, b: { type: 'string', pattern: '(?i)x' } };
    expect(check(formOf('x', { type: 'object', properties }), { a: 1, b: 'y' })).toEqual([]);
  });
  it('is looked for in the form of a union that the value has', () => {
    expect(wrong('http-request', { url: 'a', auth: { basic: { user: 'u' } } })).toEqual([
      ['/auth/basic/password', 'form.wrong.missing'],
    ]);
    expect(wrong('http-request', { url: 'a', auth: null })).toEqual([]);
  });
});

describe('spans', () => {
  it('are read as the node reads them', () => {
    expect(['90s', '5m', '1h 30m', '2d', '1w', '250ms', '1.5h', '1000'].map(readSpan)).toEqual([
      90_000, 300_000, 5_400_000, 172_800_000, 604_800_000, 250, 5_400_000, 1000,
    ]);
    expect(['', 'soon', '5 parsecs', '11000d', '-1s'].map(readSpan)).toEqual(Array(5).fill(undefined));
  });
  it('are written so that they read the same', () => {
    expect([90_000, 300_000, 250, 864_000_000, 604_800_000, 0].map(writeSpan)).toEqual([
      '1m 30s',
      '5m',
      '250ms',
      '10d',
      '1w',
      '0ms',
    ]);
    for (const ms of [1, 59_999, 3_600_001, 694_861_001]) expect(readSpan(writeSpan(ms))).toBe(ms);
  });
});

describe('cron expressions', () => {
  const from = new Date(2026, 0, 30, 12, 0, 0);
  const next = (text: string) =>
    nextTimes(text, from, 2).map((at) => [at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes()]);
  it('say when they come next', () => {
    expect(next('0 8 * * 1-5')).toEqual([
      [2, 2, 8, 0],
      [2, 3, 8, 0],
    ]);
    expect(next('*/20 * * * *')).toEqual([
      [1, 30, 12, 20],
      [1, 30, 12, 40],
    ]);
    expect(next('0 0 29 feb *')[0]).toEqual([2, 29, 0, 0]);
  });
  it('count a day or a weekday when both are named', () => {
    expect(next('0 0 1 * mon')).toEqual([
      [2, 1, 0, 0],
      [2, 2, 0, 0],
    ]);
  });
  it('that cannot be read come never', () => {
    for (const text of ['', '* * *', '61 * * * *', '5-1 * * * *', 'a b c d e']) expect(readCron(text)).toBeUndefined();
    expect(nextTimes('0 0 31 2 *', from, 1)).toEqual([]);
  });
});

describe('fields of data', () => {
  it('can go where expressions or names of fields are taken', () => {
    const labels = placesFor(form('sort'), { keys: [{ by: 'a' }] }).map((it) => it.label);
    expect(labels).toEqual(['Keys › 1 › By']);
    const http = placesFor(form('http-request'), { url: '', headers: { A: '1' } }).map((it) => it.path.join('/'));
    expect(http).toContain('url');
    expect(http).toContain('headers/A');
    expect(http).not.toContain('method');
  });
  it('become a name where a name is meant, else an expression', () => {
    const [by] = placesFor(form('sort'), { keys: [{ by: '' }] });
    const url = placesFor(form('http-request'), { url: '' }).find((it) => it.path[0] === 'url');
    if (!by || !url) throw new Error('no places');
    expect(inserted(by.field, '', ['customer', 'name'])).toBe('customer.name');
    expect(inserted(by.field, '', ['a.b'])).toBe('{{ $json["a.b"] }}');
    expect(inserted(url.field, '', ['id'])).toBe('{{ $json.id }}');
    expect(inserted(url.field, 'https://a/', ['id'])).toBe('https://a/{{ $json.id }}');
    expect(inserted(url.field, 'one', ['id'], 'Fetch')).toBe('one {{ $("Fetch").item.json.id }}');
  });
});
