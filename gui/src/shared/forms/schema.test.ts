import { describe, expect, it } from 'vitest';
import recorded from './recorded/components.json';
import { type Field, firstObject, firstValue, formOf, formOfValue, type Kind, shownOf } from './schema';

const config = (name: string) => recorded.find((it) => it.name === name)?.config;
const form = (name: string) => formOf(name, config(name));
const field = (name: string, ...path: string[]): Field => {
  let at: Field = form(name);
  for (const key of path) {
    const next: Field | undefined =
      at.kind === 'object'
        ? at.fields.find((it) => it.key === key)
        : at.kind === 'list' || at.kind === 'map'
          ? at.of
          : at.kind === 'union'
            ? at.forms[Number(key)]
            : undefined;
    if (!next) throw new Error(`no ${key} in ${name}`);
    at = next;
  }
  return at;
};
const keys = (fields: readonly Field[]) => fields.map((it) => it.key);

describe('every component that the node ships', () => {
  it.each(recorded.map((it) => it.name))('%s has no field that falls back to JSON', (name) => {
    const found: string[] = [];
    const visit = (at: Field, path: string): void => {
      if (at.kind === 'json' && at.hint.kind !== 'json') found.push(path);
      if (at.kind === 'object') for (const it of at.fields) visit(it, `${path}/${it.key}`);
      if (at.kind === 'list' || at.kind === 'map') visit(at.of, `${path}/*`);
      if (at.kind === 'union') for (const it of at.forms) visit(it, path);
    };
    visit(form(name), '');
    expect(found).toEqual([]);
  });
  it.each(recorded.map((it) => [it.name, it.example.config] as const))(
    '%s shows every field of its example',
    (name, example) => {
      const of = form(name);
      const value = example as Record<string, unknown>;
      expect(keys(shownOf(of.fields, value).shown)).toEqual(expect.arrayContaining(Object.keys(value)));
    },
  );
});

describe('the kind of a field', () => {
  const kind = (name: string, ...path: string[]): Kind['kind'] => field(name, ...path).kind;
  it('is a choice for words, whatever form the schema lists them in', () => {
    expect(kind('webhook', 'method')).toBe('choice');
    expect(kind('python', 'mode')).toBe('choice');
    const method = field('webhook', 'method');
    expect(method.kind === 'choice' && method.choices.map((it) => it.value)).toEqual([
      'GET',
      'POST',
      'PUT',
      'DELETE',
      'ANY',
    ]);
  });
  it('is code in its language', () => {
    const code = field('python', 'code');
    expect(code.kind === 'code' && code.language).toBe('python');
  });
  it('is a union for alternatives, without null', () => {
    const auth = field('http-request', 'auth');
    expect(auth.kind === 'union' && auth.forms.map((it) => it.title)).toEqual(['Bearer', 'Basic', 'Header']);
    expect(auth.isNullable).toBe(true);
  });
  it('is a secret where a name of a secret is meant', () => {
    expect(kind('http-request', 'auth', '0', 'bearer')).toBe('secret');
    expect(kind('http-request', 'auth', '1', 'basic', 'password')).toBe('secret');
  });
  it('is a duration or a time where the component says so only in words', () => {
    expect(kind('wait', 'for')).toBe('duration');
    expect(kind('wait', 'until')).toBe('time');
  });
  it('takes expressions below a place that does', () => {
    expect(field('http-request', 'headers', '*').takesExpression).toBe(true);
    expect(field('http-request', 'method').takesExpression).toBe(false);
  });
});

describe('which fields are shown', () => {
  it('the required, the main and those with a value', () => {
    const of = form('http-request');
    const { shown, more } = shownOf(of.fields, { url: '', at_once: 2 });
    expect(keys(shown)).toEqual(['method', 'url', 'query', 'headers', 'auth', 'body', 'at_once']);
    expect(keys(more)).toEqual(['response', 'timeout_ms', 'accept', 'max_redirects']);
  });
  it('whose friend it is, only where a friend is asked', () => {
    const shown = (value: object) => keys(shownOf(form('chat').fields, { prompt: '', ...value }).shown);
    expect(shown({})).toEqual(['prompt', 'system', 'at']);
    expect(shown({ at: 'friend' })).toEqual(['prompt', 'system', 'at', 'peer']);
  });
  it('one of two that stand for each other', () => {
    const { fields } = form('borrow');
    const shown = (value: object) => keys(shownOf(fields, { ...value }).shown);
    const always = ['at', 'peer', 'wait', 'when_away'];
    expect(shown({ preset: 'report' })).toEqual(['preset', ...always]);
    expect(shown({ tool: 'csv-parse' })).toEqual(['tool', ...always]);
    expect(keys(shownOf(fields, {}).more)).toEqual(['tool', 'engine']);
    expect(shown({ preset: 'report', at: 'here' })).toEqual(['preset', 'at', 'wait']);
  });
  it('not those that mean nothing beside the others', () => {
    const of = form('merge');
    expect(keys(shownOf(of.fields, {}).shown)).toEqual(['mode']);
    expect(keys(shownOf(of.fields, { mode: 'by-key' }).shown)).toEqual(['mode', 'key', 'key_b', 'join', 'prefer']);
    expect(keys(shownOf(of.fields, { key: 'id' }).shown)).toEqual(['mode', 'key']);
  });
});

describe('values', () => {
  it('a new object has what is required', () => {
    const of = form('sort');
    expect(firstObject(of.fields)).toEqual({ keys: [] });
    const key = field('sort', 'keys', '*');
    expect(key.kind === 'object' && firstObject(key.fields)).toEqual({ by: '' });
  });
  it('that the schema does not know begin as the hint says', () => {
    const first = (key: string) => firstValue(field('chat', key));
    expect(['max_tokens', 'temperature', 'at_once'].map(first)).toEqual([500, 0, 1]);
    expect(first('schema')).toMatchObject({ type: 'object' });
    expect(first('schema')).not.toBe(first('schema'));
  });
  it('tell which form of a union they have', () => {
    const auth = field('http-request', 'auth');
    const group = field('aggregate', 'group_by', '*');
    expect(auth.kind === 'union' && formOfValue(auth.forms, { header: { name: 'a', secret: 'b' } })).toBe(2);
    expect(group.kind === 'union' && formOfValue(group.forms, 'customer')).toBe(0);
    expect(group.kind === 'union' && formOfValue(group.forms, { by: 'a', as: 'b' })).toBe(1);
  });
});
