import { describe, expect, it } from 'vitest';
import { CARD_WIDTH, type Card } from '@/shared/graph/model';
import { partOf, putBack } from './tidy-aside';

const card = (id: string, x: number, y: number) => ({ id, x, y, width: CARD_WIDTH, height: 64 }) as Card;
const wire = (from: string, to: string) => ({
  id: `${from}${to}`,
  from: { step: from, port: 'out' },
  to: { step: to, port: 'in' },
});
const graph = {
  cards: [card('a', 0, 0), card('b', 320, 0), card('c', 640, 0)],
  wires: [wire('a', 'b'), wire('b', 'c')],
};

describe('tidying', () => {
  it('is of everything, or of what is selected and its own wires', () => {
    expect(partOf(graph, new Set(['a']))).toBe(graph);
    const part = partOf(graph, new Set(['a', 'b']));
    expect(part.cards.map((it) => it.id)).toEqual(['a', 'b']);
    expect(part.wires.map((it) => it.id)).toEqual(['ab']);
  });

  it('leaves the whole where it was', () => {
    const places = putBack(
      [card('a', 1_000, 500), card('b', 1_100, 900)],
      [
        ['a', { x: 0, y: 0 }],
        ['b', { x: 320, y: 0 }],
      ],
    );
    expect([...places]).toEqual([
      ['a', { x: 1_008, y: 496 }],
      ['b', { x: 1_328, y: 496 }],
    ]);
  });
});
