//! Lays a graph out beside the page, so that large ones do not hold it up.
import { tidy } from './layout';
import type { Graph } from './model';

addEventListener('message', ({ data }: MessageEvent<Graph>) => {
  const { cards } = tidy(data);
  postMessage(cards.map(({ id, x, y }) => [id, { x, y }] as const));
});
