import { expect, test } from 'vitest';
import { CARD_HEIGHT } from './model';
import { cubicsOf, curveDots, curvePath, curvePoint, WIRE_MARGIN, wireCurve } from './wire-path';

const from = { x: 400, y: 100 };

const inside = (to: { x: number; y: number }) => {
  const dots = curveDots(wireCurve(from, to));
  const [left, right] = [Math.min(from.x, to.x) - WIRE_MARGIN.side, Math.max(from.x, to.x) + WIRE_MARGIN.side];
  const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y) + WIRE_MARGIN.below];
  return dots.every(({ x, y }) => x >= left && x <= right && y >= top - 0.001 && y <= bottom + 0.001);
};

test('a wire that leads on is one curve', () => {
  expect(cubicsOf(wireCurve(from, { x: 700, y: 300 }))).toHaveLength(1);
});

test('a wire begins at its port and ends at the other, and leaves and enters level', () => {
  for (const to of [
    { x: 700, y: 300 },
    { x: 100, y: 400 },
    { x: 390, y: 100 },
    { x: 0, y: -300 },
  ]) {
    const curve = wireCurve(from, to);
    expect(curve[0]).toEqual(from);
    expect(curve.at(-1)).toEqual(to);
    expect(curve[1]?.y).toBe(from.y);
    expect(curve.at(-2)?.y).toBe(to.y);
  }
});

test('a wire to a card left below runs between the two rows, no wider than its stubs', () => {
  const to = { x: 100, y: 400 };
  const dots = curveDots(wireCurve(from, to));
  expect(Math.max(...dots.map(({ x }) => x))).toBeLessThanOrEqual(from.x + 48);
  expect(Math.min(...dots.map(({ x }) => x))).toBeGreaterThanOrEqual(to.x - 24);
  expect(Math.max(...dots.map(({ y }) => y))).toBe(to.y);
  const middle = curvePoint(wireCurve(from, to), 0.5);
  expect(middle.y).toBeCloseTo(250);
  expect(middle.x).toBeGreaterThan(to.x);
  expect(middle.x).toBeLessThan(from.x);
});

test('a wire back in the same row runs below the cards', () => {
  const middle = curvePoint(wireCurve(from, { x: 100, y: 100 }), 0.5);
  expect(middle.y).toBeGreaterThan(100 + CARD_HEIGHT / 2);
  expect(middle.x).toBeGreaterThan(100);
  expect(middle.x).toBeLessThan(from.x);
});

test('no wire leaves the margin that far pictures reckon with', () => {
  for (const to of [
    { x: 399, y: 100 },
    { x: 100, y: 90 },
    { x: 0, y: 900 },
    { x: 0, y: -900 },
    { x: 410, y: 900 },
  ])
    expect(inside(to), JSON.stringify(to)).toBe(true);
});

test('a wire back over no way at all is still a line', () => {
  expect(curvePath(wireCurve(from, { x: from.x - 0.5, y: from.y }))).not.toMatch(/NaN|undefined/);
});
