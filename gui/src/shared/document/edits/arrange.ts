//! Where cards stand: in line, at even distances, as a layout says.
import type { Edit, Place } from '../types';
import { moveCards } from './cards';

export type Box = Place & { readonly id: string; readonly width: number; readonly height: number };
export type Edge = 'left' | 'centre' | 'right' | 'top' | 'middle' | 'bottom';

/** Puts edges or middles of cards and notes in one line. */
export function align(boxes: readonly Box[], edge: Edge): Edit {
  const isAcross = edge === 'left' || edge === 'centre' || edge === 'right';
  const low = Math.min(...boxes.map((box) => (isAcross ? box.x : box.y)));
  const high = Math.max(...boxes.map((box) => (isAcross ? box.x + box.width : box.y + box.height)));
  const start = (size: number): number => {
    if (edge === 'left' || edge === 'top') return low;
    return edge === 'right' || edge === 'bottom' ? high - size : Math.round((low + high - size) / 2);
  };
  return placed(boxes, (box) => (isAcross ? { x: start(box.width), y: box.y } : { x: box.x, y: start(box.height) }));
}

/** Makes the gaps between cards the same; the outermost stay. */
export function distribute(boxes: readonly Box[], direction: 'across' | 'down'): Edit {
  const isAcross = direction === 'across';
  const start = (box: Box): number => (isAcross ? box.x : box.y);
  const size = (box: Box): number => (isAcross ? box.width : box.height);
  const inOrder = [...boxes].sort((one, other) => start(one) - start(other));
  const [first, last] = [inOrder[0], inOrder.at(-1)];
  if (!first || !last || inOrder.length < 3) return () => {};
  const room = start(last) + size(last) - start(first) - inOrder.reduce((sum, box) => sum + size(box), 0);
  const gap = room / (inOrder.length - 1);
  const places = new Map<string, number>();
  let at = start(first);
  for (const box of inOrder) {
    places.set(box.id, Math.round(at));
    at += size(box) + gap;
  }
  return placed(boxes, (box) => {
    const now = places.get(box.id) ?? start(box);
    return isAcross ? { x: now, y: box.y } : { x: box.x, y: now };
  });
}

/** Puts cards where a layout says; those that stand there already are left alone. */
export function applyPlaces(boxes: readonly Box[], places: Readonly<Record<string, Place>>): Edit {
  return placed(boxes, (box) => places[box.id] ?? box);
}

function placed(boxes: readonly Box[], where: (box: Box) => Place): Edit {
  const moved = boxes.map((box) => ({ box, to: where(box) })).filter(({ box, to }) => to.x !== box.x || to.y !== box.y);
  return moveCards(Object.fromEntries(moved.map(({ box, to }) => [box.id, to])));
}
