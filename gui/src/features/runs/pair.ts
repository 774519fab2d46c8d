import type { Job } from '@/shared/api/types';

/** Two chosen runs of one workflow, the earlier and the later: they can be compared. Any other choice is no pair. */
export function pairOf(chosen: readonly Job[]): { readonly older: string; readonly newer: string } | undefined {
  const [one, other, ...more] = chosen;
  if (!one || !other || more.length > 0 || one.name !== other.name) return undefined;
  return one.accepted_at <= other.accepted_at ? { older: one.id, newer: other.id } : { older: other.id, newer: one.id };
}
