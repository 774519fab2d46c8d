import { describe, expect, it } from 'vitest';
import type { Preset } from '../api/types';
import { diffPresets, valueChanges } from './preset-diff';

const base: Preset = {
  flowork: 'preset/1',
  name: 'orders',
  title: 'Orders',
  steps: {
    fetch: { component: 'http-request', config: { url: 'https://a', headers: { A: '1' } }, position: { x: 0, y: 0 } },
    keep: { component: 'filter', name: 'Keep large', config: { condition: '$json.n > 1' } },
  },
  wires: { w1: { from: { step: 'fetch', port: 'out' }, to: { step: 'keep', port: 'in' } } },
  variables: { from: { value: 1 } },
  settings: {},
};

describe('two presets', () => {
  it('that read the same have no differences, whatever the order of keys and what is left out', () => {
    const other: Preset = {
      ...base,
      docs: '',
      steps: {
        keep: {
          config: { condition: '$json.n > 1' },
          component: 'filter',
          name: 'Keep large',
          note: '',
          secrets: [],
          version: 1,
        },
        fetch: {
          component: 'http-request',
          version: 1,
          config: { headers: { A: '1' }, url: 'https://a' },
          position: { x: 0, y: 0 },
          on_error: 'fail',
          pin: null,
        },
      },
    };
    expect(diffPresets(base, other).changes).toEqual([]);
  });
  it('tell added, removed and changed steps apart', () => {
    const { keep: _, ...rest } = base.steps ?? {};
    const other: Preset = {
      ...base,
      steps: {
        ...rest,
        fetch: {
          component: 'http-request',
          config: { url: 'https://b', headers: { A: '1' } },
          position: { x: 0, y: 0 },
        },
        more: { component: 'set', config: {} },
      },
      wires: {},
    };
    const diff = diffPresets(base, other);
    expect(Object.fromEntries(diff.cards)).toEqual({ fetch: 'changed', keep: 'removed', more: 'added' });
    expect(Object.fromEntries(diff.wires)).toEqual({ w1: 'removed' });
    expect(diff.changes.find((it) => it.id === 'fetch')?.values).toEqual([
      { path: ['config', 'url'], before: 'https://a', after: 'https://b' },
    ]);
    expect(diff.changes.find((it) => it.id === 'keep')?.name).toBe('Keep large');
  });
  it('do not differ on the canvas when a step was only moved, and the list says so', () => {
    const fetch = base.steps?.fetch;
    const other: Preset = {
      ...base,
      steps: { ...base.steps, fetch: { component: '', ...fetch, position: { x: 9, y: 0 } } },
    };
    const diff = diffPresets(base, other);
    expect(diff.cards.size).toBe(0);
    expect(diff.changes[0]?.isOnlyMoved).toBe(true);
  });
  it('see a wire that was drawn again as the same wire', () => {
    const wires = base.wires as Record<
      string,
      { from: { step: string; port: string }; to: { step: string; port: string } }
    >;
    expect(diffPresets(base, { ...base, wires: { other: wires.w1 as (typeof wires)[string] } }).changes).toEqual([]);
  });
  it('differ in variables, settings and titles', () => {
    const other: Preset = {
      ...base,
      title: 'All orders',
      variables: { from: { value: 2 } },
      settings: { concurrency: 2 },
    };
    expect(diffPresets(base, other).changes.map((it) => [it.subject, it.id, it.kind])).toEqual([
      ['workflow', 'title', 'changed'],
      ['variable', 'from', 'changed'],
      ['setting', 'concurrency', 'added'],
    ]);
  });
});

describe('two values', () => {
  it('are told apart as deep as both are objects', () => {
    expect(valueChanges({ a: { b: 1, c: 1 } }, { a: { b: 2, c: 1 }, d: [1] })).toEqual([
      { path: ['a', 'b'], before: 1, after: 2 },
      { path: ['d'], after: [1] },
    ]);
  });
});
