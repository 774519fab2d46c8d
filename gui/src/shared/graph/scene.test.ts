import { describe, expect, it } from 'vitest';
import type { DrawnPreset } from '../document/types';
import { align, distribute, FRAME_PAD, FRAME_TITLE, freePlace, snap } from './grid';
import { framesOf, rectsOf, sceneOf } from './scene';
import { stream } from './walk';

const preset = (places: Record<string, { x: number; y: number } | undefined>): DrawnPreset => ({
  flowork: 'preset/1',
  name: 'test',
  steps: Object.fromEntries(
    Object.entries(places).map(([id, position]) => [id, { component: 'set', config: {}, position }]),
  ),
  wires: { w: { from: { step: 'a', port: 'out' }, to: { step: 'b', port: 'in' } } },
  groups: { g: { title: 'Both', steps: ['a', 'b'] } },
  notes: { n: { text: 'hello', position: { x: 0, y: 400 }, width: 200, height: 100, colour: 'ok' } },
});

describe('a scene', () => {
  const first = sceneOf(preset({ a: { x: 0, y: 0 }, b: { x: 320, y: 0 } }), new Map());

  it('stays the same object when the document says the same', () => {
    expect(sceneOf(preset({ a: { x: 0, y: 0 }, b: { x: 320, y: 0 } }), new Map(), first)).toBe(first);
  });

  it('keeps what did not change', () => {
    const moved = sceneOf(preset({ a: { x: 0, y: 0 }, b: { x: 336, y: 0 } }), new Map(), first);
    expect(moved.graph.cards[0]).toBe(first.graph.cards[0]);
    expect(moved.graph.cards[1]).not.toBe(first.graph.cards[1]);
    expect(moved.graph.wires).toBe(first.graph.wires);
    expect(moved.notes).toBe(first.notes);
  });

  it('lays out what has no place below what has one', () => {
    const scene = sceneOf(preset({ a: { x: 0, y: 0 }, b: undefined }), new Map());
    expect([...scene.unplaced]).toEqual(['b']);
    expect(scene.graph.cards.find((card) => card.id === 'b')?.y).toBeGreaterThan(64);
  });

  it('frames groups around their steps, and follows a drag', () => {
    const frame = framesOf(first).get('g');
    expect(frame).toEqual({
      x: -FRAME_PAD,
      y: -FRAME_PAD - FRAME_TITLE,
      width: 320 + 224 + 2 * FRAME_PAD,
      height: 64 + 2 * FRAME_PAD + FRAME_TITLE,
    });
    expect(framesOf(first, new Map([['b', { x: 640, y: 0 }]])).get('g')?.width).toBe(640 + 224 + 2 * FRAME_PAD);
    expect([...rectsOf(first).keys()].sort()).toEqual(['a', 'b', 'g', 'n']);
  });
});

describe('the grid', () => {
  const rects = [
    { id: 'a', x: 0, y: 0, width: 224, height: 64 },
    { id: 'b', x: 300, y: 50, width: 224, height: 64 },
    { id: 'c', x: 960, y: 96, width: 224, height: 112 },
  ];

  it('snaps, without a negative nothing', () => {
    expect([snap(7), snap(8), snap(-7), snap(25)]).toEqual([0, 16, 0, 32]);
    expect(Object.is(snap(-1), 0)).toBe(true);
  });

  it('lines up', () => {
    expect([...align(rects, 'top').values()].map((it) => it.y)).toEqual([0, 0, 0]);
    expect([...align(rects, 'right').values()].map((it) => it.x)).toEqual([960, 960, 960]);
    expect([...align(rects, 'bottom').values()].map((it) => it.y)).toEqual([144, 144, 96]);
  });

  it('spreads out, and leaves two alone', () => {
    expect(distribute(rects, 'x').get('b')?.x).toBe(480);
    expect(distribute(rects.slice(0, 2), 'x').size).toBe(0);
  });

  it('finds room near what is wished for', () => {
    const taken = [{ x: 0, y: 0, width: 224, height: 64 }];
    const place = freePlace(taken, { x: 0, y: 0, width: 224, height: 64 });
    expect(place).toEqual({ x: 0, y: 96 });
    expect(freePlace(taken, { x: 320, y: 0, width: 224, height: 64 })).toEqual({ x: 320, y: 0 });
  });
});

describe('up and down the stream', () => {
  const wires = ['a>b', 'b>c', 'x>c'].map((id) => ({
    id,
    from: { step: id[0] ?? '', port: 'out' },
    to: { step: id[2] ?? '', port: 'in' },
  }));
  it('goes along all wires', () => {
    expect(stream({ cards: [], wires }, 'a', 'down').sort()).toEqual(['b', 'c']);
    expect(stream({ cards: [], wires }, 'c', 'up').sort()).toEqual(['a', 'b', 'x']);
  });
});
