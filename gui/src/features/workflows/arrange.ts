//! Which workflows the list shows, and in what order.
import type { DraftSummary, Job } from '@/shared/api/types';

export const ORDERS = ['changed', 'name', 'ran', 'steps'] as const;
export type Order = (typeof ORDERS)[number];

export type Wanted = { readonly text: string; readonly order: Order; readonly isOnOnly: boolean };

export function readWanted(search: Readonly<Record<string, unknown>>): Wanted {
  return {
    text: typeof search.text === 'string' || typeof search.text === 'number' ? String(search.text) : '',
    order: ORDERS.find((order) => order === search.order) ?? 'changed',
    isOnOnly: search.on === true,
  };
}

export const writeWanted = ({ text, order, isOnOnly }: Wanted) => ({
  text: text || undefined,
  order: order === 'changed' ? undefined : order,
  on: isOnOnly || undefined,
});

export const titleOf = (draft: DraftSummary): string => draft.title || draft.name;

/** Whether all words are in the title or the name, whatever their case. */
export function matches(draft: DraftSummary, text: string): boolean {
  const held = `${draft.title} ${draft.name}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => held.includes(word));
}

/** The newest run of each workflow, by the draft's id and by its name (runs of files know only the name). */
export function newestRuns(jobs: readonly Job[]): ReadonlyMap<string, Job> {
  const found = new Map<string, Job>();
  for (const job of jobs) {
    for (const key of [job.preset, job.name]) {
      const known = found.get(key);
      if (!known || known.accepted_at < job.accepted_at) found.set(key, job);
    }
  }
  return found;
}

export function arranged(
  drafts: readonly DraftSummary[],
  { text, order, isOnOnly }: Wanted,
  active: ReadonlySet<string>,
  ranAt: (draft: DraftSummary) => number,
): DraftSummary[] {
  const byTitle = (one: DraftSummary, other: DraftSummary) =>
    titleOf(one).localeCompare(titleOf(other), undefined, { numeric: true, sensitivity: 'base' });
  const orders: Readonly<Record<Order, (one: DraftSummary, other: DraftSummary) => number>> = {
    changed: (one, other) => other.changed_at - one.changed_at,
    name: byTitle,
    ran: (one, other) => ranAt(other) - ranAt(one),
    steps: (one, other) => other.steps - one.steps,
  };
  return drafts
    .filter((draft) => matches(draft, text) && (!isOnOnly || active.has(draft.id)))
    .sort((one, other) => orders[order](one, other) || byTitle(one, other));
}
