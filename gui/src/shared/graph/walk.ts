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

/** The cards in reading order: column by column, top to bottom. What a list beside the canvas shows. */
export const readingOrder = (graph: Graph): Card[] =>
  [...graph.cards].sort((one, other) => one.x - other.x || one.y - other.y);

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
