import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Manifest, Preset } from '../api/types';
import { anyMeet, boundsOf, cardAt, cardsIn, viewportOf, wireAt } from './bounds';
import { columnsOf, withoutBackEdges } from './layering';
import { arranged, tidy } from './layout';
import { CARD_HEIGHT, CARD_WIDTH, type Card, cardHeight, type Graph, graphOf, isPlaced, outputsOf } from './model';
import { neighbour, readingOrder } from './walk';

const card = (id: string, more: Partial<Card> = {}): Card => ({
  id,
  name: id,
  component: 'set',
  title: 'Set',
  category: '',
  kind: 'step',
  inputs: ['in'],
  outputs: ['out'],
  isPinned: false,
  isDisabled: false,
  note: '',
  x: 0,
  y: 0,
  width: CARD_WIDTH,
  height: CARD_HEIGHT,
  ...more,
});

const graph = (cards: Card[], ...wires: string[]): Graph => ({
  cards,
  wires: wires.map((text) => {
    const [from = '', to = ''] = text.split('>');
    return { id: text, from: { step: from, port: 'out' }, to: { step: to, port: 'in' } };
  }),
});

const at = (of: Graph, id: string): Card => of.cards.find((it) => it.id === id) ?? card('missing');

describe('the ports of a card', () => {
  const port = (name: string) => ({ name, docs: '' });
  const manifest = (config: object) => ({ outputs: [port('out')], config }) as unknown as Manifest;
  const script = manifest({ properties: { outputs: { type: 'array' } } });

  it('are those of its component and the further ones that its script names', () => {
    expect(outputsOf({ component: 'python', config: { outputs: ['bad', ''] } }, script)).toEqual(['out', 'bad']);
    expect(outputsOf({ component: 'python' }, script)).toEqual(['out']);
  });

  it('are not read from a config that means something else by the same word', () => {
    expect(outputsOf({ component: 'x', config: { outputs: ['bad'] } }, manifest({ properties: {} }))).toEqual(['out']);
  });

  it('of a switch begin with its cases', () => {
    const config = { cases: [{ port: 'large' }, { port: '' }] };
    expect(outputsOf({ component: 'switch', config }, manifest({}))).toEqual(['large', 'out']);
  });
});

describe('a layout', () => {
  it('goes from left to right along the wires and puts no card on another', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const laid = tidy(
      graph(
        names.map((id) => card(id)),
        'a>b',
        'a>c',
        'b>d',
        'c>d',
        'd>e',
      ),
    );
    expect(anyMeet(laid.cards)).toBe(false);
    for (const wire of laid.wires) expect(at(laid, wire.from.step).x).toBeLessThan(at(laid, wire.to.step).x);
    expect(at(laid, 'b').x).toBe(at(laid, 'c').x);
  });

  it('cuts a loop at its way back', () => {
    const edges = [
      { from: 0, to: 1 },
      { from: 1, to: 2 },
      { from: 2, to: 1 },
      { from: 2, to: 2 },
    ];
    expect(withoutBackEdges(3, edges)).toEqual(edges.slice(0, 2));
  });

  it('puts a late source next to what it feeds', () => {
    const edges = [
      { from: 0, to: 1 },
      { from: 1, to: 2 },
      { from: 3, to: 2 },
    ];
    expect(columnsOf(4, edges)).toEqual([0, 1, 2, 1]);
  });

  it('puts what hangs on a higher port higher', () => {
    const cards = [card('ask', { outputs: ['yes', 'no'] }), card('drop'), card('send')];
    const wire = (port: string, to: string) => ({
      id: port,
      from: { step: 'ask', port },
      to: { step: to, port: 'in' },
    });
    const laid = tidy({ cards, wires: [wire('no', 'drop'), wire('yes', 'send')] });
    expect(at(laid, 'send').y).toBeLessThan(at(laid, 'drop').y);
  });

  it('stays as its author drew it unless cards lie on each other', () => {
    const apart = graph([card('a'), card('b', { x: 300 })], 'a>b');
    expect(arranged(apart, true)).toBe(apart);
    const over = graph([card('a'), card('b', { x: 100 })], 'a>b');
    expect(anyMeet(arranged(over, true).cards)).toBe(false);
  });

  it('lays out five thousand steps in a chain with branches', () => {
    const cards = Array.from({ length: 5_000 }, (_, n) => card(`s${n}`));
    const wires = cards.slice(1).map((_, n) => `s${n % 3 === 0 ? Math.max(0, n - 2) : n}>s${n + 1}`);
    const laid = tidy(graph(cards, ...wires));
    expect(anyMeet(laid.cards)).toBe(false);
  });
});

describe('the picture of a preset', () => {
  const read = (name: string): Preset => JSON.parse(readFileSync(`../examples/${name}.json`, 'utf8'));

  it('has a card for every step and trigger, and ports that only wires know', () => {
    const preset = read('six-languages');
    const texts = preset.wires as unknown as string[];
    const wires = Object.fromEntries(
      texts.map((text) => {
        const [from = '', to = ''] = text.split(' -> ');
        const [step = '', port = 'out'] = from.split(':');
        const [target = '', input = 'in'] = to.split(':');
        return [text, { from: { step, port }, to: { step: target, port: input } }];
      }),
    );
    const drawn = graphOf({ ...preset, wires }, new Map());
    expect(drawn.cards).toHaveLength(15);
    expect(drawn.wires).toHaveLength(20);
    expect(at(drawn, 'large').outputs).toEqual(['true', 'false']);
    expect(isPlaced(preset)).toBe(true);
  });

  it('grows by a port’s height for each port beyond two', () => {
    expect([cardHeight(1, 2), cardHeight(3, 1), cardHeight(0, 5)]).toEqual([64, 88, 136]);
  });
});

describe('what lies where', () => {
  const two = graph([card('a'), card('b', { x: 400, y: 200 })], 'a>b');

  it('finds cards by point and by box', () => {
    expect(cardAt(two.cards, { x: 10, y: 10 })?.id).toBe('a');
    expect(cardAt(two.cards, { x: 300, y: 10 })).toBeUndefined();
    expect(cardsIn(two.cards, { x: 200, y: 0, width: 300, height: 300 }).map((it) => it.id)).toEqual(['a', 'b']);
    expect(boundsOf(two.cards, 10)).toEqual({ x: -10, y: -10, width: 644, height: 284 });
  });

  it('finds a wire within reach and none beyond', () => {
    expect(wireAt(two, { x: 312, y: 132 }, 6)).toBe('a>b');
    expect(wireAt(two, { x: 312, y: 20 }, 6)).toBeUndefined();
  });

  it('goes along wires by keys, else to the nearest card on that side', () => {
    expect(neighbour(two, 'a', 'right')).toBe('b');
    expect(neighbour(two, 'b', 'left')).toBe('a');
    expect(neighbour(two, 'a', 'down')).toBe('b');
    expect(neighbour(two, 'a', 'up')).toBeUndefined();
  });
});

describe('what is shown at first', () => {
  const room = { width: 800, height: 400 };
  const cards = [card('a'), card('b', { x: 2_000 })];

  it('is the whole picture when it is readable', () => {
    expect(viewportOf([card('a')], room, undefined, 0.6)).toEqual({ x: 288, y: 168, zoom: 1 });
  });

  it('is the beginning of one that would be too small, or the part around a card', () => {
    expect(viewportOf(cards, room, undefined, 0.5)).toMatchObject({ x: 40, zoom: 0.5 });
    expect(viewportOf(cards, room, cards[1], 0.5).x).toBe(800 - 40 - 2_224 * 0.5);
  });

  it('is all of it when that is asked for', () => {
    const { x, zoom } = viewportOf(cards, room, undefined, 0);
    expect(zoom).toBeCloseTo(720 / 2_224);
    expect(x).toBeCloseTo(40);
  });
});

describe('the reading order', () => {
  const card = (id: string, x: number, y = 0) => ({ id, x, y }) as Card;
  const wire = (from: string, to: string, port = 'in') => ({
    id: `${from}>${to}`,
    from: { step: from, port: 'out' },
    to: { step: to, port },
  });
  const order = (graph: Graph) => readingOrder(graph).map(({ id }) => id);

  it('goes column by column, and never puts a step before what leads to it', () => {
    expect(order({ cards: [card('b', 10, 5), card('c', 10, 0), card('a', 0)], wires: [] })).toEqual(['a', 'c', 'b']);
    const back = {
      cards: [card('late', 5), card('first', 0), card('middle', 10)],
      wires: [wire('first', 'middle'), wire('middle', 'late')],
    };
    expect(order(back)).toEqual(['first', 'middle', 'late']);
  });
  it('has every step once, in loops and in circles too', () => {
    const loop = {
      cards: [card('loop', 0), card('work', 5)],
      wires: [wire('loop', 'work'), wire('work', 'loop', 'back')],
    };
    expect(order(loop)).toEqual(['loop', 'work']);
    const circle = { cards: [card('a', 0), card('b', 5)], wires: [wire('a', 'b'), wire('b', 'a')] };
    expect(order(circle)).toEqual(['a', 'b']);
  });
});
