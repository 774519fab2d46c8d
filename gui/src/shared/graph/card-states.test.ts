import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../api/types';
import { fold } from '../history/view';
import { LightStore, lights } from './card-states';
import type { Graph, Wire } from './model';

const { events } = JSON.parse(readFileSync(new URL('../history/recorded/tour.json', import.meta.url), 'utf8')) as {
  events: JobEvent[];
};

const wire = (text: string): Wire => {
  const [from = '', to = ''] = text.split('>');
  const [step = '', port = 'out'] = from.split(':');
  return { id: text, from: { step, port }, to: { step: to, port: 'in' } };
};

const graph: Graph = {
  cards: [],
  wires: [
    'make>loop',
    'loop:loop>work',
    'loop:done>check',
    'check:true>flaky',
    'check:false>skip',
    'skip>never',
    'flaky:error>caught',
  ].map(wire),
};

describe('the lights of a finished run', () => {
  const { cards, wires } = lights(graph, fold(events));

  it('show a step of a loop once, with all its rounds', () => {
    expect(cards.get('work')).toMatchObject({ status: 'succeeded', runs: 3, ended: 3, itemsOut: 6 });
    expect(cards.get('loop')?.rounds).toEqual([3, 3]);
  });

  it('show where results come from and why steps failed', () => {
    expect(cards.get('pinned')?.source).toBe('pin');
    expect(cards.get('off')?.source).toBe('disabled');
    expect(cards.get('flaky')).toMatchObject({ status: 'failed', attempt: 3, error: 'Error: no luck today' });
    expect(cards.get('never')?.status).toBe('skipped');
  });

  it('show what went over each wire, and which were not taken', () => {
    expect(wires.get('make>loop')).toEqual({ kind: 'carried', count: 6 });
    expect(wires.get('loop:loop>work')).toEqual({ kind: 'carried', count: 6 });
    expect(wires.get('check:true>flaky')).toEqual({ kind: 'carried', count: 3 });
    expect(wires.get('skip>never')).toEqual({ kind: 'not-taken', count: 0 });
    expect(wires.get('flaky:error>caught')).toEqual({ kind: 'error', count: undefined });
  });

  it('show nothing on wires to steps that were not in it', () => {
    const drawnLater = { cards: [], wires: [wire('make>drawn-later')] };
    expect(lights(drawnLater, fold(events)).wires.size).toBe(0);
  });
});

describe('the light store', () => {
  it('tells only the cards that changed', () => {
    const store = new LightStore();
    const heard: string[] = [];
    for (const id of ['make', 'work', 'end']) store.subscribe(`card:${id}`, () => heard.push(id));
    const early = events.findIndex((event) => typeof event.what === 'object' && 'loop_round' in event.what);
    store.set(lights(graph, fold(events.slice(0, early))));
    store.set(lights(graph, fold(events.slice(0, early))));
    expect(heard).toEqual(['make']);
    store.set(lights(graph, fold(events)));
    expect([...heard].sort()).toEqual(['end', 'make', 'work']);
    expect(store.card('make')?.status).toBe('succeeded');
  });
});
