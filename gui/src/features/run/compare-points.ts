//! What is not the same at two points of one run, in the form that the node gives for two runs (`protocol/src/view/diff.rs`).
import type { Difference } from '@/shared/api/types';
import { listLength, type Run, runsInOrder, type View } from '@/shared/history/view';

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

export function diffViews(before: View, after: View): Difference[] {
  const found: Difference[] = [];
  const add = (run: string | undefined, kind: Difference['kind'], one: unknown, other: unknown, port?: string) => {
    if (!same(one, other)) found.push({ run, kind, port, before: one ?? null, after: other ?? null });
  };
  add(undefined, 'state', before.state, after.state);
  add(undefined, 'error', before.error, after.error);
  const names = new Set([...runsInOrder(before), ...runsInOrder(after)].map(([name]) => name));
  for (const name of names) {
    const [one, other] = [before.runs.get(name), after.runs.get(name)];
    if (!one || !other) add(name, 'run', one?.status, other?.status);
    else oneRun(name, one, other, add);
    lists(name, one, other, add);
  }
  return found;
}

type Add = (run: string, kind: Difference['kind'], one: unknown, other: unknown, port?: string) => void;

function oneRun(name: string, one: Run, other: Run, add: Add): void {
  add(name, 'status', one.status, other.status);
  add(name, 'error', one.error, other.error);
  add(name, 'items_in', one.itemsIn, other.itemsIn);
  add(name, 'note', one.note, other.note);
  add(name, 'attempts', one.attempts.length, other.attempts.length);
}

function lists(name: string, one: Run | undefined, other: Run | undefined, add: Add): void {
  const length = (run: Run | undefined, port: string) => {
    const emitted = run?.ports[port];
    return emitted ? listLength(emitted.items) : 0;
  };
  for (const port of new Set([...Object.keys(one?.ports ?? {}), ...Object.keys(other?.ports ?? {})])) {
    add(name, 'items_out', length(one, port), length(other, port), port);
  }
}
