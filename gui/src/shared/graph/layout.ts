//! Where cards stand when nobody placed them, or placed them on top of each other.
import { anyMeet } from './bounds';
import { columnsOf, type Edge, orderColumns, withoutBackEdges } from './layering';
import { CARD_WIDTH, type Card, GRID, type Graph } from './model';

export const COLUMN_GAP = 96;
export const ROW_GAP = 32;
const PART_GAP = 64;
const RELAX_ROUNDS = 6;

const snap = (value: number) => Math.round(value / GRID) * GRID;

/** Where a port stands among the ports of its side, 0 to 1. */
const share = (ports: readonly string[] | undefined, port: string): number =>
  ports && ports.length > 1 ? Math.max(0, ports.indexOf(port)) / (ports.length - 1) : 0;

/** The parts of a graph that no wire joins, as lists of card numbers. */
function parts(count: number, edges: readonly Edge[]): number[][] {
  const root = Array.from({ length: count }, (_, at) => at);
  const find = (at: number): number => {
    let top = at;
    while (root[top] !== top) top = root[top] as number;
    let next = at;
    while (root[next] !== top) {
      const parent = root[next] as number;
      root[next] = top;
      next = parent;
    }
    return top;
  };
  for (const { from, to } of edges) root[find(from)] = find(to);
  const found = new Map<number, number[]>();
  for (let at = 0; at < count; at += 1) {
    const top = find(at);
    const list = found.get(top);
    if (list) list.push(at);
    else found.set(top, [at]);
  }
  return [...found.values()];
}

/** Vertical places of one part: each card near the middle of its neighbours, none on another. */
function places(rows: readonly number[][], edges: readonly Edge[], heights: readonly number[]): number[] {
  const y = new Array<number>(heights.length).fill(0);
  const near = heights.map((): number[] => []);
  for (const { from, to } of edges) {
    near[from]?.push(to);
    near[to]?.push(from);
  }
  const middle = (at: number) => (y[at] ?? 0) + (heights[at] ?? 0) / 2;
  const stack = (row: readonly number[], wish: (at: number) => number) => {
    // Each wish is met as far as the order allows; what is pushed down pulls the whole row back by half.
    let bottom = -Infinity;
    let pushed = 0;
    for (const at of row) {
      const want = wish(at) - (heights[at] ?? 0) / 2;
      const got = Math.max(want, bottom);
      pushed += got - want;
      y[at] = got;
      bottom = got + (heights[at] ?? 0) + ROW_GAP;
    }
    const back = row.length === 0 ? 0 : pushed / row.length;
    for (const at of row) y[at] = (y[at] ?? 0) - back;
  };
  for (const row of rows) {
    const total = row.reduce((sum, at) => sum + (heights[at] ?? 0) + ROW_GAP, -ROW_GAP);
    let top = -total / 2;
    for (const at of row) {
      y[at] = top;
      top += (heights[at] ?? 0) + ROW_GAP;
    }
  }
  for (let round = 0; round < RELAX_ROUNDS; round += 1) {
    for (const row of round % 2 === 0 ? rows : [...rows].reverse()) {
      stack(row, (at) => {
        const others = near[at] ?? [];
        if (others.length === 0) return middle(at);
        return others.reduce((sum, other) => sum + middle(other), 0) / others.length;
      });
    }
  }
  return y;
}

/** The room that a wire keeps free where it goes past a column. */
const LANE = GRID;
/** More than this is not worth the time: a graph with so many long wires is no picture any more. */
const LANES_MAX = 20_000;

type Laned = { readonly count: number; readonly edges: readonly Edge[]; readonly columns: readonly number[] };

/** The same graph with a vertex wherever a wire goes past a column, so that wires lead between cards and not behind them. */
function withLanes(count: number, edges: readonly Edge[], columns: readonly number[]): Laned {
  const span = (edge: Edge): number => (columns[edge.to] ?? 0) - (columns[edge.from] ?? 0);
  const needed = edges.reduce((sum, edge) => sum + Math.max(0, span(edge) - 1), 0);
  if (needed === 0 || needed > LANES_MAX) return { count, edges, columns };
  const all = [...columns];
  const made: Edge[] = [];
  for (const edge of edges) {
    let { from } = edge;
    for (let step = 1; step < span(edge); step += 1) {
      const lane = all.length;
      all.push((columns[edge.from] ?? 0) + step);
      made.push({ from, to: lane, out: step === 1 ? edge.out : undefined });
      from = lane;
    }
    made.push({ from, to: edge.to, out: from === edge.from ? edge.out : undefined, in: edge.in });
  }
  return { count: all.length, edges: made, columns: all };
}

/** The graph with a place for every card: from left to right along the wires. */
export function tidy(graph: Graph): Graph {
  const numbers = new Map(graph.cards.map((card, at) => [card.id, at]));
  const edges = graph.wires.flatMap((wire): Edge[] => {
    const [from, to] = [numbers.get(wire.from.step), numbers.get(wire.to.step)];
    if (from === undefined || to === undefined) return [];
    return [
      {
        from,
        to,
        out: share(graph.cards[from]?.outputs, wire.from.port),
        in: share(graph.cards[to]?.inputs, wire.to.port),
      },
    ];
  });
  const placed: Card[] = [...graph.cards];
  let top = 0;
  for (const part of parts(graph.cards.length, edges)) {
    const local = new Map(part.map((at, place) => [at, place]));
    const inside = edges.flatMap((edge): Edge[] => {
      const [one, other] = [local.get(edge.from), local.get(edge.to)];
      return one === undefined || other === undefined ? [] : [{ ...edge, from: one, to: other }];
    });
    const forward = withoutBackEdges(part.length, inside);
    const { columns, edges: lanes, count } = withLanes(part.length, forward, columnsOf(part.length, forward));
    const rows = orderColumns(count, lanes, columns);
    const heights = [...part.map((at) => graph.cards[at]?.height ?? 0), ...Array(count - part.length).fill(LANE)];
    const y = places(rows, lanes, heights).slice(0, part.length);
    const first = Math.min(...y);
    part.forEach((at, place) => {
      const card = graph.cards[at];
      if (!card) return;
      const x = (columns[place] ?? 0) * (CARD_WIDTH + COLUMN_GAP);
      placed[at] = { ...card, x: snap(x), y: snap((y[place] ?? 0) - first + top) };
    });
    top += Math.max(...part.map((_, place) => (y[place] ?? 0) + (heights[place] ?? 0))) - first + PART_GAP;
  }
  return { cards: placed, wires: graph.wires };
}

/** The graph as its author placed it; laid out afresh when cards have no place or lie on each other. */
export const arranged = (graph: Graph, hasPlaces: boolean): Graph =>
  hasPlaces && !anyMeet(graph.cards) ? graph : tidy(graph);
