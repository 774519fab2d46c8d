//! The line of a wire: from the right side of one card to the left side of another.
import { CARD_HEIGHT, type Point } from './model';

/** Cubic curves end to end: the first point, then three for each curve. */
export type Curve = readonly Point[];

/** How far a wire that leads back goes away from its ports before it turns: at the right past the names of most ports. */
const STUB = { right: 48, left: 24 } as const;
/** How round its turns are. */
const RADIUS = 16;
/** How far from the middle of a card's port it passes below or above a card. */
const CLEAR = CARD_HEIGHT / 2 + 24;
/** The control points of a quarter of a circle. */
const QUARTER = 0.5523;

/** The most that a wire leaves the box around its two ends. */
export const WIRE_MARGIN = { side: 160, below: CLEAR } as const;

const mix = (a: Point, b: Point, t: number): Point => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
const far = (a: Point, b: Point): number => Math.hypot(b.x - a.x, b.y - a.y);

/** The curve of a wire. One that leads back runs between the rows of its cards where there is room, else below both. */
export function wireCurve(from: Point, to: Point): Curve {
  if (to.x < from.x) return rounded(back(from, to));
  const bend = Math.max(32, Math.min((to.x - from.x) / 2, 160));
  return [from, { x: from.x + bend, y: from.y }, { x: to.x - bend, y: to.y }, to];
}

/** The corners of a wire that leads back. */
function back(from: Point, to: Point): Point[] {
  const hasRoom = Math.abs(to.y - from.y) >= 2 * CLEAR;
  const y = hasRoom ? (from.y + to.y) / 2 : Math.max(from.y, to.y) + CLEAR;
  const [right, left] = [from.x + STUB.right, to.x - STUB.left];
  return [from, { x: right, y: from.y }, { x: right, y }, { x: left, y }, { x: left, y: to.y }, to];
}

/** A line through corners, each of them round. */
function rounded(corners: readonly Point[]): Curve {
  const [first] = corners;
  if (!first) return [];
  const points: Point[] = [first];
  let pen = first;
  const line = (to: Point) => {
    points.push(mix(pen, to, 1 / 3), mix(pen, to, 2 / 3), to);
    pen = to;
  };
  for (let at = 1; at < corners.length - 1; at += 1) {
    const [before, corner, after] = [corners[at - 1], corners[at], corners[at + 1]];
    if (!before || !corner || !after) continue;
    const [near, next] = [far(before, corner), far(corner, after)];
    const radius = Math.min(RADIUS, near / 2, next / 2);
    if (radius === 0) continue;
    const start = mix(corner, before, radius / near);
    const end = mix(corner, after, radius / next);
    line(start);
    points.push(mix(start, corner, QUARTER), mix(end, corner, QUARTER), end);
    pen = end;
  }
  line(corners[corners.length - 1] ?? first);
  return points;
}

/** The curves of a chain, four points each. */
export function cubicsOf(curve: Curve): (readonly [Point, Point, Point, Point])[] {
  const found: (readonly [Point, Point, Point, Point])[] = [];
  for (let at = 0; at + 3 < curve.length; at += 3) {
    const [a, b, c, d] = curve.slice(at, at + 4);
    if (a && b && c && d) found.push([a, b, c, d]);
  }
  return found;
}

function cubicPoint([a, b, c, d]: readonly [Point, Point, Point, Point], t: number): Point {
  const u = 1 - t;
  const along = (key: 'x' | 'y') =>
    u * u * u * a[key] + 3 * u * u * t * b[key] + 3 * u * t * t * c[key] + t * t * t * d[key];
  return { x: along('x'), y: along('y') };
}

/** The point of a wire after a part of its way, from 0 to 1. */
export function curvePoint(curve: Curve, t: number): Point {
  const parts = cubicsOf(curve);
  const lengths = parts.map(([a, , , d]) => far(a, d));
  let left = t * lengths.reduce((sum, length) => sum + length, 0);
  for (const [at, part] of parts.entries()) {
    const length = lengths[at] ?? 0;
    if (left <= length || at === parts.length - 1)
      return cubicPoint(part, length === 0 ? t : Math.min(1, left / length));
    left -= length;
  }
  return curve[0] ?? { x: 0, y: 0 };
}

/** The wire as the `d` of an SVG path. */
export function curvePath(curve: Curve): string {
  const [first] = curve;
  if (!first) return '';
  const rest = cubicsOf(curve).map(([, b, c, d]) => `C${b.x},${b.y} ${c.x},${c.y} ${d.x},${d.y}`);
  return `M${first.x},${first.y} ${rest.join(' ')}`;
}

const DOTS = 24;
const DOTS_OF_PART = 4;

/** Points along a wire, near enough to each other to measure how far something is from it. */
export function curveDots(curve: Curve): Point[] {
  const parts = cubicsOf(curve);
  const steps = parts.length > 1 ? DOTS_OF_PART : DOTS;
  const dots = parts.flatMap((part) => Array.from({ length: steps }, (_, at) => cubicPoint(part, (at + 1) / steps)));
  return curve[0] ? [curve[0], ...dots] : dots;
}
