//! Differences as people read them: run by run, what is told in a line first, then port by port the items. No React.
import type { Difference, Item } from '@/shared/api/types';
import type { ItemPair } from './compare-items';

/** One output port whose items are not the same. */
export type PortChanges = {
  readonly port: string;
  /** How many items, when that is not the same. */
  readonly counts: readonly [before: number, after: number] | undefined;
  /** The first items that differ. */
  readonly pairs: readonly ItemPair[];
  /** How many more differ. */
  readonly more: number;
  /** How many items the lists hold when they were too large to be read by the node. */
  readonly unread: readonly [before: number, after: number] | undefined;
};

/** What is not the same in one run of a step; `run` is empty for the run as a whole. */
export type RunChanges = {
  readonly run: string;
  readonly facts: readonly Difference[];
  readonly ports: readonly PortChanges[];
};

const OF_PORTS: ReadonlySet<Difference['kind']> = new Set(['items_out', 'item', 'more_items', 'items_unread']);

const asItem = (value: unknown): Item | null => (value ?? null) as Item | null;
const asCounts = ({ before, after }: Difference) => [Number(before ?? 0), Number(after ?? 0)] as const;

/** Groups differences, in the order in which they come. */
export function grouped(all: readonly Difference[]): RunChanges[] {
  const runs = new Map<string, Difference[]>();
  for (const it of all) {
    const list = runs.get(it.run ?? '');
    if (list) list.push(it);
    else runs.set(it.run ?? '', [it]);
  }
  return [...runs].map(([run, list]) => {
    const ports = new Set(list.filter((it) => OF_PORTS.has(it.kind)).map((it) => it.port ?? ''));
    return {
      run,
      facts: list.filter((it) => !OF_PORTS.has(it.kind)),
      ports: [...ports].map((port) => onPort(port, list)),
    };
  });
}

/** Whether a run of a step differs in nothing but how long it took. */
export const isOnlyTime = ({ run, facts, ports }: RunChanges): boolean =>
  run !== '' && ports.length === 0 && facts.every((it) => it.kind === 'duration');

function onPort(port: string, list: readonly Difference[]): PortChanges {
  const here = list.filter((it) => (it.port ?? '') === port);
  const find = (kind: Difference['kind']) => here.find((it) => it.kind === kind);
  const [counts, more, unread] = [find('items_out'), find('more_items'), find('items_unread')];
  return {
    port,
    counts: counts && asCounts(counts),
    pairs: here
      .filter((it) => it.kind === 'item')
      .map((it) => ({ index: Number(it.place), before: asItem(it.before), after: asItem(it.after) })),
    more: more ? Number(more.after) : 0,
    unread: unread && asCounts(unread),
  };
}
