//! The nodes of this node's person: which still are.
import type { OwnNode } from '@/shared/api/types';

export type Life = 'good' | 'ended' | 'taken_back';

/** Whether a node still counts as the person's. */
export const lifeOf = ({ revoked_at, ends_at }: OwnNode, now: number): Life =>
  revoked_at != null ? 'taken_back' : ends_at <= now ? 'ended' : 'good';

/** Those that are the person's now, this one first; and those that were. */
export function byLife(nodes: readonly OwnNode[], now: number) {
  const sorted = [...nodes].sort(
    (one, other) => Number(other.is_this) - Number(one.is_this) || one.name.localeCompare(other.name),
  );
  return {
    good: sorted.filter((it) => lifeOf(it, now) === 'good'),
    over: sorted.filter((it) => lifeOf(it, now) !== 'good'),
  };
}
