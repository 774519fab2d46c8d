//! Which column each step stands in and in which order, from the wires alone. Own code rather than dagre, which overflows
//! the stack at a few thousand steps: every walk here is a loop. Source of the steps: Sugiyama, Tagawa and Toda, 1981.

export type Edge = {
  readonly from: number;
  readonly to: number;
  /** How far down the side of its card the edge begins and ends, 0 to 1: what hangs on a higher port stands higher. */
  readonly out?: number;
  readonly in?: number;
};

/** How much the port counts against the card: less than the distance of any two cards of a column. */
const PORT_WEIGHT = 1e-4;

type Links = { readonly out: number[][]; readonly in: number[][] };

function links(count: number, edges: readonly Edge[]): Links {
  const made: Links = { out: Array.from({ length: count }, () => []), in: Array.from({ length: count }, () => []) };
  for (const { from, to } of edges) {
    made.out[from]?.push(to);
    made.in[to]?.push(from);
  }
  return made;
}

/** The edges without those that lead back (a loop's way back, a step's wire to itself). */
export function withoutBackEdges(count: number, edges: readonly Edge[]): Edge[] {
  const { out, in: into } = links(count, edges);
  const state = new Uint8Array(count); // 0 unseen, 1 on the path, 2 done
  const isBack = new Set<string>();
  const walk = (start: number) => {
    const path: { at: number; next: number }[] = [{ at: start, next: 0 }];
    state[start] = 1;
    while (path.length > 0) {
      const top = path[path.length - 1];
      if (!top) return;
      const to = out[top.at]?.[top.next];
      top.next += 1;
      if (to === undefined) {
        state[top.at] = 2;
        path.pop();
      } else if (state[to] === 1) isBack.add(`${top.at}>${to}`);
      else if (state[to] === 0) {
        state[to] = 1;
        path.push({ at: to, next: 0 });
      }
    }
  };
  // Begin where nothing comes in, so that a loop is cut at its way back and not in its middle.
  for (let at = 0; at < count; at += 1) if (into[at]?.length === 0 && state[at] === 0) walk(at);
  for (let at = 0; at < count; at += 1) if (state[at] === 0) walk(at);
  return edges.filter(({ from, to }) => from !== to && !isBack.has(`${from}>${to}`));
}

/** The column of each vertex: one right of the farthest that leads to it. `edges` must not lead back. */
export function columnsOf(count: number, edges: readonly Edge[]): number[] {
  const { out, in: into } = links(count, edges);
  const columns = new Array<number>(count).fill(0);
  const open = into.map((list) => list.length);
  const ready = open.flatMap((left, at) => (left === 0 ? [at] : []));
  for (let head = 0; head < ready.length; head += 1) {
    const at = ready[head] as number;
    for (const to of out[at] ?? []) {
      columns[to] = Math.max(columns[to] ?? 0, (columns[at] ?? 0) + 1);
      open[to] = (open[to] ?? 1) - 1;
      if (open[to] === 0) ready.push(to);
    }
  }
  // What starts late need not stand far left: move sources next to what they feed.
  for (const at of [...ready].reverse()) {
    if (into[at]?.length === 0 && out[at]?.length) {
      columns[at] = Math.max(0, Math.min(...(out[at] ?? []).map((to) => columns[to] ?? 0)) - 1);
    }
  }
  return columns;
}

const SWEEPS = 8;

/** The vertices column by column, each in an order that crosses few wires. */
export function orderColumns(count: number, edges: readonly Edge[], columns: readonly number[]): number[][] {
  const before: { at: number; port: number }[][] = Array.from({ length: count }, () => []);
  const after: { at: number; port: number }[][] = Array.from({ length: count }, () => []);
  for (const edge of edges) {
    before[edge.to]?.push({ at: edge.from, port: edge.out ?? 0 });
    after[edge.from]?.push({ at: edge.to, port: edge.in ?? 0 });
  }
  const rows: number[][] = Array.from({ length: Math.max(-1, ...columns) + 1 }, () => []);
  columns.forEach((column, at) => {
    rows[column]?.push(at);
  });
  const place = new Array<number>(count).fill(0);
  const number = (row: number[]) => {
    row.forEach((at, index) => {
      place[at] = index / Math.max(1, row.length - 1) || 0;
    });
  };
  rows.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const row of forward ? rows : [...rows].reverse()) {
      const middle = new Map(
        row.map((at) => {
          const near = (forward ? before : after)[at] ?? [];
          const sum = near.reduce((total, other) => total + (place[other.at] ?? 0) + other.port * PORT_WEIGHT, 0);
          return [at, near.length === 0 ? (place[at] ?? 0) : sum / near.length];
        }),
      );
      row.sort((one, other) => (middle.get(one) ?? 0) - (middle.get(other) ?? 0) || one - other);
      number(row);
    }
  }
  return rows;
}
