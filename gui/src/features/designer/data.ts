//! The items that go into a step or come out of it, as far as anything is known of them.
import { fetchFirst, fetchLightPage, ITEMS_PAGE } from '@/shared/api/requests/job-items';
import type { Item } from '@/shared/api/types';
import type { DrawnPreset } from '@/shared/document/types';
import { wiresOf } from '@/shared/graph/model';
import { listLength, splitRun, type View } from '@/shared/history/view';

export type Known = { readonly items: readonly Item[]; readonly total: number; readonly from: 'pin' | 'run' };

export type DataSource = {
  readonly preset: DrawnPreset;
  readonly job: string | undefined;
  readonly view: View | undefined;
  readonly fetch?: typeof fetchLightPage;
};

/** The newest run of a step that has something to show: of a loop, its last round. */
export function lastRun(view: View | undefined, step: string): string | undefined {
  let found: { name: string; at: number } | undefined;
  for (const [name, run] of view?.runs ?? []) {
    if (splitRun(name).step !== step) continue;
    const at = run.changedAt;
    if (!found || at >= found.at) found = { name, at };
  }
  return found?.name;
}

const pinned = (lists: readonly (readonly Item[])[]): Known => {
  const items = lists.flat();
  return { items: items.slice(0, ITEMS_PAGE), total: items.length, from: 'pin' };
};

async function out(source: DataSource, step: string, port: string | undefined): Promise<Known | undefined> {
  const pin = source.preset.steps?.[step]?.pin;
  if (pin) return pinned(port === undefined ? Object.values(pin) : [pin[port] ?? []]);
  const run = lastRun(source.view, step);
  if (source.job === undefined || run === undefined) return undefined;
  if (source.view?.runs.get(run)?.status !== 'succeeded') return undefined;
  const fetch = source.fetch ?? fetchLightPage;
  const page = await fetch({ job: source.job, run, side: 'out', port, offset: 0 });
  return { items: page.items as readonly Item[], total: page.total, from: 'run' };
}

/** What goes into a step is what comes out of the ports that lead to it. */
async function into(source: DataSource, step: string, port: string | undefined): Promise<Known | undefined> {
  const wires = wiresOf(source.preset.wires).filter(
    (wire) => wire.to.step === step && (port === undefined || wire.to.port === port),
  );
  const parts = (await Promise.all(wires.map((wire) => out(source, wire.from.step, wire.from.port)))).filter(
    (part) => part !== undefined,
  );
  if (parts.length === 0) return undefined;
  return {
    items: parts.flatMap((part) => part.items),
    total: parts.reduce((sum, part) => sum + part.total, 0),
    from: parts.some((part) => part.from === 'run') ? 'run' : 'pin',
  };
}

/** How many items came out of a port, of all ports together when none is named; undefined when nothing is known. */
function outCount({ preset, view }: DataSource, step: string, port: string | undefined): number | undefined {
  const pin = preset.steps?.[step]?.pin;
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  if (pin) return sum(port === undefined ? Object.values(pin).map((it) => it.length) : [pin[port]?.length ?? 0]);
  const run = view?.runs.get(lastRun(view, step) ?? '');
  if (run?.status !== 'succeeded') return undefined;
  const of = (name: string) => run.ports[name];
  const lists = (port === undefined ? Object.keys(run.ports) : [port]).map(of);
  return sum(lists.map((it) => (it ? listLength(it.items) : 0)));
}

/** How many items a step's port has, as far as anything is known of it: the numbers in the choice of ports. */
export function portCount(source: DataSource, step: string, side: 'in' | 'out', port?: string): number | undefined {
  if (side === 'out') return outCount(source, step, port);
  const counts = wiresOf(source.preset.wires)
    .filter((wire) => wire.to.step === step && (port === undefined || wire.to.port === port))
    .map((wire) => outCount(source, wire.from.step, wire.from.port))
    .filter((count) => count !== undefined);
  return counts.length === 0 ? undefined : counts.reduce((total, count) => total + count, 0);
}

export const known = (source: DataSource, step: string, side: 'in' | 'out', port?: string) =>
  side === 'out' ? out(source, step, port) : into(source, step, port);

/** The most items that are pinned from a run: a pin is part of the document. */
export const PIN_MAX = 1_000;

/** All that came out of each port of a step in the last run, to be pinned; none when nothing is known. */
export async function outputs(
  source: DataSource,
  step: string,
  ports: readonly string[],
): Promise<Readonly<Record<string, readonly Item[]>> | undefined> {
  const { view, job, fetch } = source;
  const run = lastRun(view, step);
  const ran = run === undefined ? undefined : view?.runs.get(run);
  if (run === undefined || job === undefined || ran?.status !== 'succeeded') return undefined;
  const found: Record<string, readonly Item[]> = {};
  for (const port of ports) {
    if (!(port in ran.ports)) continue;
    found[port] = await fetchFirst({ job, run, side: 'out', port }, PIN_MAX, fetch);
  }
  return Object.keys(found).length > 0 ? found : undefined;
}
