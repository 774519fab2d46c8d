//! Where things stand on the grid: snapping, lining up, spreading out, finding room.
import { boundsOf, meet } from './bounds';
import { GRID, type Point, type Rect } from './model';

/** A rectangle with a name. */
export type Placed = Rect & { readonly id: string };
export type Places = ReadonlyMap<string, Point>;

/** A number on the grid. `+ 0` keeps −0 out of documents. */
export const snap = (value: number): number => Math.round(value / GRID) * GRID + 0;
export const snapPoint = ({ x, y }: Point): Point => ({ x: snap(x), y: snap(y) });

export type Side = 'left' | 'right' | 'top' | 'bottom' | 'centre' | 'middle';

/** Lines things up at one side of what holds them all, or along its middle. */
export function align(rects: readonly Placed[], side: Side): Places {
  const all = boundsOf(rects);
  const at = (rect: Placed): Point => {
    switch (side) {
      case 'left':
        return { x: all.x, y: rect.y };
      case 'right':
        return { x: all.x + all.width - rect.width, y: rect.y };
      case 'top':
        return { x: rect.x, y: all.y };
      case 'bottom':
        return { x: rect.x, y: all.y + all.height - rect.height };
      case 'centre':
        return { x: all.x + (all.width - rect.width) / 2, y: rect.y };
      case 'middle':
        return { x: rect.x, y: all.y + (all.height - rect.height) / 2 };
    }
  };
  return new Map(rects.map((rect) => [rect.id, snapPoint(at(rect))]));
}

/** Equal gaps between three or more things; the outer two stay. */
export function distribute(rects: readonly Placed[], along: 'x' | 'y'): Places {
  const length = along === 'x' ? 'width' : 'height';
  const sorted = [...rects].sort((one, other) => one[along] - other[along]);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last || sorted.length < 3) return new Map();
  const room = last[along] + last[length] - first[along];
  const gap = (room - sorted.reduce((sum, rect) => sum + rect[length], 0)) / (sorted.length - 1);
  let next = first[along];
  return new Map(
    sorted.map((rect) => {
      const place = { x: rect.x, y: rect.y, [along]: snap(next) };
      next += rect[length] + gap;
      return [rect.id, place];
    }),
  );
}

/** The place nearest below or beside `wish` where a card of this size lies on no other. */
export function freePlace(taken: readonly Rect[], wish: Rect): Point {
  const { width, height } = wish;
  const start = snapPoint(wish);
  const pad = GRID - 1;
  const isFree = (at: Point) =>
    !taken.some((rect) =>
      meet(rect, { x: at.x - pad, y: at.y - pad, width: width + 2 * pad, height: height + 2 * pad }),
    );
  for (let ring = 0; ring < 200; ring += 1) {
    const drop = ring * GRID * 2;
    for (const at of [
      { x: start.x, y: start.y + drop },
      { x: start.x, y: start.y - drop },
    ])
      if (isFree(at)) return at;
  }
  return start;
}

/** How far a group's frame stands off what it holds; its title takes more above. Both lie on the grid, as what is dragged by them does. */
export const FRAME_PAD = GRID;
export const FRAME_TITLE = 2 * GRID;

/** The frame around the steps of a group, none when it holds none. */
export function frameOf(inside: readonly Rect[]): Rect | undefined {
  if (inside.length === 0) return undefined;
  const { x, y, width, height } = boundsOf(inside, FRAME_PAD);
  return { x, y: y - FRAME_TITLE, width, height: height + FRAME_TITLE };
}
