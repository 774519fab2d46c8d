//! Moving through a graph by keys.
import type { Card, Graph } from './model';

export type Direction = 'left' | 'right' | 'up' | 'down';

const middle = (card: Card) => ({ x: card.x + card.width / 2, y: card.y + card.height / 2 });

/** The card that an arrow key goes to: along a wire where there is one that way, else the nearest on that side. */
export function neighbour(graph: Graph, id: string, direction: Direction): string | undefined {
  const from = graph.cards.find((card) => card.id === id);
  if (!from) return graph.cards[0]?.id;
  const linked = new Set<string>();
  for (const wire of graph.wires) {
    if (direction === 'right' && wire.from.step === id) linked.add(wire.to.step);
    if (direction === 'left' && wire.to.step === id) linked.add(wire.from.step);
  }
  const start = middle(from);
  const far = (card: Card): number => {
    const [dx, dy] = [middle(card).x - start.x, middle(card).y - start.y];
    const along = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const across = direction === 'left' || direction === 'right' ? Math.abs(dy) : Math.abs(dx);
    return along <= 0 ? Infinity : along + 2 * across;
  };
  const candidates = graph.cards.filter((card) => card.id !== id && (linked.size === 0 || linked.has(card.id)));
  let best: { id: string; far: number } | undefined;
  for (const card of candidates) {
    const distance = linked.has(card.id) ? Math.abs(middle(card).y - start.y) : far(card);
    if (distance < Infinity && (!best || distance < best.far)) best = { id: card.id, far: distance };
  }
  return best?.id;
}

/**
 * The cards as somebody reads them: none before what leads to it, else column by column, top to bottom. What a list beside the canvas
 * shows.
 */
export function readingOrder(graph: Graph): Card[] {
  const byPlace = [...graph.cards].sort((one, other) => one.x - other.x || one.y - other.y);
  const place = new Map(byPlace.map((card, at) => [card.id, at]));
  const open = new Map<string, number>();
  const next = new Map<string, string[]>();
  for (const { from, to } of graph.wires) {
    // What comes back to a loop comes after it.
    if (to.port === 'back' || !place.has(from.step) || !place.has(to.step)) continue;
    open.set(to.step, (open.get(to.step) ?? 0) + 1);
    const list = next.get(from.step);
    if (list) list.push(to.step);
    else next.set(from.step, [to.step]);
  }
  // The places of those that may come next, the last one first.
  const ready = byPlace.flatMap((card, at) => (open.has(card.id) ? [] : [at])).reverse();
  const found: Card[] = [];
  for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
    const card = byPlace[at];
    if (!card) break;
    found.push(card);
    for (const id of next.get(card.id) ?? []) {
      const left = (open.get(id) ?? 1) - 1;
      open.set(id, left);
      if (left === 0) insertDown(ready, place.get(id) ?? 0);
    }
  }
  // A circle that no check has refused yet has no beginning.
  if (found.length < byPlace.length) {
    const there = new Set(found);
    found.push(...byPlace.filter((card) => !there.has(card)));
  }
  return found;
}

/** Puts a number where it belongs in a list that goes down. */
function insertDown(list: number[], value: number): void {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) > value) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, value);
}

/** Everything that leads to `id` (`up`), or that it leads to (`down`), itself left out. */
export function stream(graph: Graph, id: string, direction: 'up' | 'down'): string[] {
  const next = new Map<string, string[]>();
  for (const wire of graph.wires) {
    const [at, to] = direction === 'down' ? [wire.from.step, wire.to.step] : [wire.to.step, wire.from.step];
    const list = next.get(at);
    if (list) list.push(to);
    else next.set(at, [to]);
  }
  const found = new Set([id]);
  const open = [id];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const to of next.get(at) ?? []) {
      if (found.has(to)) continue;
      found.add(to);
      open.push(to);
    }
  }
  found.delete(id);
  return [...found];
}
