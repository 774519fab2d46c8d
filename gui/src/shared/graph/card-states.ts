//! How each card and wire is at one moment of a run, and a store that tells only those that changed.

import { hasEnded } from '../api/types';
import { listLength, type Run, type ShownStatus, shownStatus, stepOf, type View } from '../history/view';
import { ERROR_PORT, type Graph } from './model';

export type CardState = {
  readonly status: ShownStatus;
  /** How many runs of the step there are (rounds of loops), and how many have ended. */
  readonly runs: number;
  readonly ended: number;
  readonly itemsOut: number | undefined;
  readonly tookUs: number | undefined;
  /** The first line of why it failed. */
  readonly error: string | undefined;
  /** The number of the try that is at work, when it is not the first. */
  readonly attempt: number;
  readonly waitsFor: 'time' | 'approval' | 'child' | 'rounds' | undefined;
  readonly source: 'pin' | 'disabled' | 'kept' | 'edited' | undefined;
  /** Rounds begun and in all, of a loop. */
  readonly rounds: readonly [number, number] | undefined;
  /** Whether the step has been changed since, so that this says nothing about how it is now. */
  readonly isOld: boolean;
};

export type WireState = {
  readonly kind: 'idle' | 'carried' | 'active' | 'not-taken' | 'error';
  readonly count: number | undefined;
};

/** Which status speaks for a step that runs several times: what wants attention comes first. */
const RANK: readonly ShownStatus[] = [
  'running',
  'answered',
  'ready',
  'retrying',
  'waiting',
  'failed',
  'stopped',
  'succeeded',
  'skipped',
  'pending',
];
const ENDED: readonly ShownStatus[] = ['succeeded', 'failed', 'skipped', 'stopped'];

function waitOf(run: Run): CardState['waitsFor'] {
  if (!run.wait) return undefined;
  if ('approval' in run.wait || 'rerun' in run.wait) return 'approval';
  if ('child' in run.wait) return 'child';
  return 'rounds' in run.wait ? 'rounds' : 'time';
}

const sourceOf = (run: Run): CardState['source'] =>
  run.source === undefined || run.source === null ? undefined : typeof run.source === 'object' ? 'kept' : run.source;

const sum = (run: Run): number => Object.values(run.ports).reduce((total, port) => total + listLength(port.items), 0);

function cardState(view: View, runs: readonly Run[]): CardState {
  const rank = (run: Run) => RANK.indexOf(shownStatus(view, run));
  const lead = runs.reduce((best, run) => (rank(run) < rank(best) ? run : best));
  const gave = runs.filter((run) => run.status === 'succeeded');
  const timed = runs.filter((run) => run.tookUs !== undefined);
  return {
    status: shownStatus(view, lead),
    runs: runs.length,
    ended: runs.filter((run) => ENDED.includes(run.status)).length,
    itemsOut: gave.length > 0 ? gave.reduce((total, run) => total + sum(run), 0) : undefined,
    tookUs: timed.length > 0 ? timed.reduce((total, run) => total + (run.tookUs ?? 0), 0) : undefined,
    error: runs.find((run) => run.error)?.error?.message.split('\n')[0],
    attempt: Math.max(1, ...lead.attempts.map((attempt) => attempt.number)),
    waitsFor: waitOf(lead),
    source: sourceOf(lead),
    rounds: lead.roundsTotal === undefined ? undefined : [Object.keys(lead.rounds).length, lead.roundsTotal],
    isOld: false,
  };
}

function runsByStep(view: View): Map<string, Run[]> {
  const found = new Map<string, Run[]>();
  for (const [name, run] of view.runs) {
    const step = stepOf(name);
    const list = found.get(step);
    if (list) list.push(run);
    else found.set(step, [run]);
  }
  return found;
}

/** The items that went out of a port in all runs of a step; none when nothing was given yet. */
function carried(runs: readonly Run[], port: string): number | undefined {
  let total: number | undefined;
  for (const run of runs) {
    const emitted = run.ports[port];
    if (emitted) total = (total ?? 0) + listLength(emitted.items);
    // A loop gives its rounds one by one; they stand in its events and not in its output.
    else if (port === 'loop' && Object.keys(run.rounds).length > 0) {
      total = Object.values(run.rounds).reduce((all, list) => all + listLength(list), total ?? 0);
    } else if (run.status === 'succeeded') total ??= 0;
  }
  return total;
}

export type Lights = { readonly cards: ReadonlyMap<string, CardState>; readonly wires: ReadonlyMap<string, WireState> };

/** How a graph stands at `view`; `isOld` says which steps are no longer those that ran. */
export function lights(graph: Graph, view: View, isOld: (step: string) => boolean = () => false): Lights {
  const byStep = runsByStep(view);
  const cards = new Map(
    [...byStep].map(([step, runs]) => [
      step,
      isOld(step) ? { ...cardState(view, runs), isOld: true } : cardState(view, runs),
    ]),
  );
  const wires = new Map<string, WireState>();
  for (const wire of graph.wires) {
    const runs = byStep.get(wire.from.step) ?? [];
    const target = cards.get(wire.to.step)?.status;
    if (wire.from.port === ERROR_PORT) {
      const isTaken = runs.some((run) => run.afterFailure === 'error_port');
      if (isTaken) wires.set(wire.id, { kind: 'error', count: undefined });
      else if (runs.some((run) => run.status === 'succeeded'))
        wires.set(wire.id, { kind: 'not-taken', count: undefined });
      continue;
    }
    const count = carried(runs, wire.from.port);
    // A wire that was drawn after the run, or leads to what did not run in it, carried nothing.
    if (count === undefined || (target === undefined && hasEnded(view.state))) continue;
    const kind = count === 0 ? 'not-taken' : target === 'running' ? 'active' : 'carried';
    wires.set(wire.id, { kind, count });
  }
  return { cards, wires };
}

const same = <T extends object>(one: T | undefined, other: T | undefined): boolean => {
  if (one === other) return true;
  if (!one || !other) return false;
  return (Object.keys(one) as (keyof T)[]).every((key) => {
    const [a, b] = [one[key], other[key]];
    return a === b || (Array.isArray(a) && Array.isArray(b) && a.every((value, at) => value === b[at]));
  });
};

/** Holds the lights of a canvas. A card or wire hears only of its own, so that a change costs what it changes. */
export class LightStore {
  private readonly cards = new Map<string, CardState>();
  private readonly wires = new Map<string, WireState>();
  private readonly listeners = new Map<string, Set<() => void>>();

  card(id: string): CardState | undefined {
    return this.cards.get(id);
  }

  wire(id: string): WireState | undefined {
    return this.wires.get(id);
  }

  /** `key` is `card:ID` or `wire:ID`. */
  readonly subscribe = (key: string, listener: () => void): (() => void) => {
    const set = this.listeners.get(key) ?? new Set();
    set.add(listener);
    this.listeners.set(key, set);
    return () => set.delete(listener);
  };

  /** Told once for each change of anything: for what is painted whole. */
  readonly subscribeAll = (listener: () => void): (() => void) => this.subscribe('all', listener);

  set(next: Lights): void {
    const changed = [...replace(this.cards, next.cards, 'card'), ...replace(this.wires, next.wires, 'wire')];
    for (const key of changed) for (const listener of this.listeners.get(key) ?? []) listener();
    if (changed.length > 0) for (const listener of this.listeners.get('all') ?? []) listener();
  }
}

function replace<T extends object>(into: Map<string, T>, from: ReadonlyMap<string, T>, kind: string): string[] {
  const changed: string[] = [];
  for (const id of into.keys()) {
    if (!from.has(id)) {
      into.delete(id);
      changed.push(`${kind}:${id}`);
    }
  }
  for (const [id, value] of from) {
    if (same(into.get(id), value)) continue;
    into.set(id, value);
    changed.push(`${kind}:${id}`);
  }
  return changed;
}
