//! Auto-layout in a worker: all cards, or the selected ones where they are.
import { boundsOf } from '@/shared/graph/bounds';
import { type Places, snap } from '@/shared/graph/grid';
import type { Card, Graph, Point } from '@/shared/graph/model';

/** The part of a graph that is tidied: what is selected when it is more than one, else everything. */
export function partOf(graph: Graph, picked: ReadonlySet<string>): Graph {
  if (picked.size < 2) return graph;
  return {
    cards: graph.cards.filter((card) => picked.has(card.id)),
    wires: graph.wires.filter((wire) => picked.has(wire.from.step) && picked.has(wire.to.step)),
  };
}

/** Laid-out places begin at nothing; they go where the cards were. */
export function putBack(cards: readonly Card[], laid: readonly (readonly [string, Point])[]): Places {
  const was = boundsOf(cards);
  const now = boundsOf(laid.map(([, { x, y }]) => ({ x, y, width: 0, height: 0 })));
  return new Map(laid.map(([id, { x, y }]) => [id, { x: snap(x - now.x + was.x), y: snap(y - now.y + was.y) }]));
}

/** Where the cards would stand in good order. */
export function tidyAside(graph: Graph, picked: ReadonlySet<string>): Promise<Places> {
  const part = partOf(graph, picked);
  const worker = new Worker(new URL('../../shared/graph/tidy-worker.ts', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<(readonly [string, Point])[]>) => resolve(putBack(part.cards, data));
    worker.onerror = reject;
    worker.postMessage(part);
  }).finally(() => worker.terminate()) as Promise<Places>;
}
