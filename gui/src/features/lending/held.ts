//! Grants that this node holds. Their owners renew them; here each is one of its own.
import type { Grant } from '@/shared/api/types';

/** All that two grants must have in common for the later one to take the place of the other. */
const termsOf = ({ owner, engine, can, limits, depth, links }: Grant): string =>
  JSON.stringify([owner, engine, [...can].sort(), Object.entries(limits).sort(), depth, links.length]);

/** The grants that are held, each that was renewed naming the one that took its place. */
export function heldOf(grants: readonly Grant[]): Grant[] {
  const held = grants.filter((it) => !it.is_given);
  return held.map((grant) => {
    const later = held.find(
      (it) =>
        it.revoked_at == null &&
        it.begins_at > grant.begins_at &&
        it.ends_at > grant.ends_at &&
        termsOf(it) === termsOf(grant),
    );
    return later === undefined ? grant : { ...grant, renewed_as: later.id };
  });
}
