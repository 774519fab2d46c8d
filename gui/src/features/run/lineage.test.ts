import { describe, expect, it } from 'vitest';
import type { Graph } from '@/shared/graph/model';
import { emptyView, type Run, type View } from '@/shared/history/view';
import { lineage } from './lineage';

const card = (id: string, kind: 'step' | 'trigger' = 'step', component = 'code') => ({ id, kind, component });
const wire = (from: string, to: string, port = 'out') => ({
  id: `${from}-${to}`,
  from: { step: from, port },
  to: { step: to, port: 'in' },
});
const graph = (cards: unknown[], wires: unknown[]) => ({ cards, wires }) as unknown as Graph;
const view = (runs: Record<string, unknown>): View => ({
  ...emptyView(),
  runs: new Map(Object.entries(runs).map(([name, pairs]) => [name, { ports: { out: { pairs } } } as unknown as Run])),
});

describe('where an item came from', () => {
  const line = graph(
    [card('start', 'trigger'), card('a'), card('b'), card('c')],
    [wire('start', 'a'), wire('a', 'b'), wire('b', 'c')],
  );

  it('is followed from step to step to what was given to the run', () => {
    const hops = lineage(view({ a: 'same', b: { each: [4, 2, 7] }, c: 'same' }), line, 'c', 'out', 2);
    expect(hops).toEqual([
      { kind: 'item', run: 'c', step: 'c', port: 'out', index: 2 },
      { kind: 'item', run: 'b', step: 'b', port: 'out', index: 2 },
      { kind: 'item', run: 'a', step: 'a', port: 'out', index: 7 },
      { kind: 'given', index: 7 },
    ]);
  });

  it('ends where a step does not say', () => {
    expect(lineage(view({ a: 'none', b: 'same' }), line, 'b', 'out', 1).at(-1)).toEqual({ kind: 'unknown' });
    expect(lineage(view({ a: undefined, b: { each: [0xffffffff] } }), line, 'b', 'out', 0)).toHaveLength(2);
  });

  it('ends where several connections come together', () => {
    const joined = graph([card('a'), card('b'), card('c')], [wire('a', 'c'), wire('b', 'c')]);
    expect(lineage(view({ a: 'same', b: 'same', c: 'same' }), joined, 'c', 'out', 3).at(-1)).toEqual({
      kind: 'several',
      index: 3,
    });
  });

  it('stays in the rounds of a loop, and ends where a round begins', () => {
    const loop = graph([card('l', 'step', 'loop'), card('x'), card('y')], [wire('l', 'x', 'loop'), wire('x', 'y')]);
    expect(lineage(view({ l: 'none', 'x[3]': 'same', 'y[3]': 'same' }), loop, 'y[3]', 'out', 0)).toEqual([
      { kind: 'item', run: 'y[3]', step: 'y', port: 'out', index: 0 },
      { kind: 'item', run: 'x[3]', step: 'x', port: 'out', index: 0 },
      { kind: 'loop', step: 'l' },
    ]);
  });
});
