//! Where an item came from, as far as the run has recorded it: its place among the items before, step by step.
import type { Graph } from '@/shared/graph/model';
import { splitRun, type View } from '@/shared/history/view';

export type Hop =
  /** Item `index` of what came out of `run` at `port`. */
  | {
      readonly kind: 'item';
      readonly run: string;
      readonly step: string;
      readonly port: string;
      readonly index: number;
    }
  /** Item `index` of what was given to the run. */
  | { readonly kind: 'given'; readonly index: number }
  /** Item `index` of what came in at a step; which of several connections brought it is not known here. */
  | { readonly kind: 'several'; readonly index: number }
  /** A round of a loop, which is not numbered by the items of the loop. */
  | { readonly kind: 'loop'; readonly step: string }
  /** The step does not say which items its own were made of. */
  | { readonly kind: 'unknown' };

const NONE = 0xffff_ffff;
const HOPS_MAX = 1_000;

function sourceOf(pairs: unknown, index: number): number | undefined {
  if (pairs === 'same') return index;
  if (!pairs || typeof pairs !== 'object' || !('each' in pairs) || !Array.isArray(pairs.each)) return undefined;
  const source: unknown = pairs.each[index];
  return typeof source === 'number' && source !== NONE ? source : undefined;
}

/** The run of `step` that gave to `run`: the one in the same rounds, or in the nearest outer ones. */
function outerRun(view: View, step: string, run: string): string | undefined {
  const { rounds } = splitRun(run);
  for (let depth = rounds.length; depth >= 0; depth -= 1) {
    const name = `${step}${rounds
      .slice(0, depth)
      .map((round) => `[${round}]`)
      .join('')}`;
    if (view.runs.has(name)) return name;
  }
  return undefined;
}

/** The way of an item, itself first, to where it began or to where nothing is known. */
export function lineage(view: View, graph: Graph, run: string, port: string, index: number): readonly Hop[] {
  const hops: Hop[] = [{ kind: 'item', run, step: splitRun(run).step, port, index }];
  for (let at = hops[0]; at?.kind === 'item' && hops.length < HOPS_MAX; at = hops.at(-1)) {
    hops.push(before(view, graph, at));
    if (hops.at(-1)?.kind !== 'item') break;
  }
  return hops;
}

function before(view: View, graph: Graph, { run, step, port, index }: Extract<Hop, { kind: 'item' }>): Hop {
  const emitted = view.runs.get(run)?.ports[port] as { readonly pairs?: unknown } | undefined;
  const source = sourceOf(emitted?.pairs, index);
  if (source === undefined) return { kind: 'unknown' };
  const wires = graph.wires.filter((wire) => wire.to.step === step);
  const [wire] = wires;
  if (!wire) return { kind: 'given', index: source };
  if (wires.length > 1) return { kind: 'several', index: source };
  const from = graph.cards.find((card) => card.id === wire.from.step);
  if (from?.kind === 'trigger') return { kind: 'given', index: source };
  const name = outerRun(view, wire.from.step, run);
  if (name === undefined) return { kind: 'unknown' };
  // A loop gives its rounds one by one; they are no output of its own.
  if (from?.component === 'loop' && wire.from.port === 'loop') return { kind: 'loop', step: wire.from.step };
  if (!view.runs.get(name)?.ports[wire.from.port]) return { kind: 'unknown' };
  return { kind: 'item', run: name, step: wire.from.step, port: wire.from.port, index: source };
}
