//! Rectangles: what holds them all, whether they meet, what lies under a point.
import type { Card, Graph, Point, Rect } from './model';
import { portOffset } from './model';
import { curveDots, wireCurve } from './wire-path';

export function boundsOf(rects: readonly Rect[], pad = 0): Rect {
  if (rects.length === 0) return { x: 0, y: 0, width: 0, height: 0 };
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const rect of rects) {
    left = Math.min(left, rect.x);
    top = Math.min(top, rect.y);
    right = Math.max(right, rect.x + rect.width);
    bottom = Math.max(bottom, rect.y + rect.height);
  }
  return { x: left - pad, y: top - pad, width: right - left + 2 * pad, height: bottom - top + 2 * pad };
}

/** Whether two rectangles share more than an edge. */
export const meet = (one: Rect, other: Rect): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;

/** Whether any two of `rects` meet. Sorts by x and compares only those that can. */
export function anyMeet(rects: readonly Rect[]): boolean {
  const sorted = [...rects].sort((one, other) => one.x - other.x);
  return sorted.some((rect, at) => {
    for (let next = at + 1; next < sorted.length; next += 1) {
      const other = sorted[next];
      if (!other || other.x >= rect.x + rect.width) return false;
      if (meet(rect, other)) return true;
    }
    return false;
  });
}

export const holds = (rect: Rect, point: Point): boolean =>
  point.x >= rect.x && point.x <= rect.x + rect.width && point.y >= rect.y && point.y <= rect.y + rect.height;

/** The topmost card under a point: later cards lie above earlier ones. */
export const cardAt = (cards: readonly Card[], point: Point): Card | undefined =>
  cards.findLast((card) => holds(card, point));

/** The cards that a box touches. */
export const cardsIn = (cards: readonly Card[], box: Rect): Card[] => cards.filter((card) => meet(card, box));

function distanceToSegment(point: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((point.x - a.x) * dx + (point.y - a.y) * dy) / length));
  return Math.hypot(point.x - a.x - t * dx, point.y - a.y - t * dy);
}

/** The nearest wire within `reach` of a point. */
export function wireAt(graph: Graph, point: Point, reach: number): string | undefined {
  const cards = new Map(graph.cards.map((card) => [card.id, card]));
  let best: { id: string; far: number } | undefined;
  for (const wire of graph.wires) {
    const [from, to] = [cards.get(wire.from.step), cards.get(wire.to.step)];
    if (!from || !to) continue;
    const [start, end] = [portOffset(from, 'out', wire.from.port), portOffset(to, 'in', wire.to.port)];
    const curve = wireCurve({ x: from.x + start.x, y: from.y + start.y }, { x: to.x + end.x, y: to.y + end.y });
    let before: Point | undefined;
    for (const next of curveDots(curve)) {
      const far = before ? distanceToSegment(point, before, next) : Infinity;
      if (far <= reach && (!best || far < best.far)) best = { id: wire.id, far };
      before = next;
    }
  }
  return best?.id;
}

export type Viewport = { readonly x: number; readonly y: number; readonly zoom: number };

const MARGIN = 40;

/**
 * How a picture is shown at first: whole when it is readable then (`zoomLeast`), else its beginning, or the part around
 * `spot`. Never larger than life.
 */
export function viewportOf(
  cards: readonly Rect[],
  room: { readonly width: number; readonly height: number },
  spot: Rect | undefined,
  zoomLeast: number,
): Viewport {
  const bounds = boundsOf(cards);
  const fit = Math.min((room.width - 2 * MARGIN) / bounds.width, (room.height - 2 * MARGIN) / bounds.height);
  const zoom = Math.max(0.05, zoomLeast, Math.min(1, fit));
  const along = (start: number, length: number, space: number, middle: number | undefined): number => {
    const size = length * zoom;
    if (size + 2 * MARGIN <= space || zoomLeast === 0) return (space - size) / 2 - start * zoom;
    const wanted = middle === undefined ? MARGIN - start * zoom : space / 2 - middle * zoom;
    // No emptiness where the picture could be.
    return Math.min(MARGIN - start * zoom, Math.max(wanted, space - MARGIN - (start + length) * zoom));
  };
  return {
    x: along(bounds.x, bounds.width, room.width, spot && spot.x + spot.width / 2),
    y: along(bounds.y, bounds.height, room.height, (spot ?? cards[0]) && mid(spot ?? cards[0])),
    zoom,
  };
}

const mid = (rect: Rect | undefined): number => (rect ? rect.y + rect.height / 2 : 0);
