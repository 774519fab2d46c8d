//! Names that steps at friends' take: of friends, and of what they let this node use.
import { useQuery } from '@tanstack/react-query';
import { grantsQuery } from '../api/requests/grants';
import { peersQuery } from '../api/requests/peers';
import { grantState, usedAs } from '../mesh/sentence';
import type { Suggest } from './schema';

const NONE: readonly string[] = [];

/** What can be written there; nothing for fields that take something else. */
export function useLentNames(suggest: Suggest | undefined): readonly string[] {
  const peers = useQuery({ ...peersQuery, enabled: suggest === 'friend', refetchInterval: false }).data;
  const isLent = suggest === 'lent' || suggest === 'engine';
  const grants = useQuery({ ...grantsQuery, enabled: isLent, refetchInterval: false }).data;
  if (suggest === 'friend') return peers?.map((it) => it.name) ?? NONE;
  if (!isLent) return NONE;
  const held = (grants ?? []).filter((it) => !it.is_given && grantState(it, Date.now()) === 'good');
  return [...new Set(held.flatMap((it) => (suggest === 'engine' ? [it.engine] : it.can.map(usedAs))))];
}
