import { useInfiniteQuery } from '@tanstack/react-query';
import { decisionsQuery } from '@/shared/api/requests/decisions';
import { LOOK_MS } from '@/shared/api/requests/mesh';
import type { MeshDecision, Peer } from '@/shared/api/types';

/** Whether a friend has removed this node since they became friends last, as far as the decisions, newest first, tell. */
export const hasLeft = (node: string, decisions: readonly MeshDecision[]): boolean =>
  decisions.find((it) => it.peer === node && (it.kind === 'paired' || it.kind === 'removed-by-peer'))?.kind ===
  'removed-by-peer';

/** Who of the friends has removed this node. */
export function useHasLeft(): (peer: Peer) => boolean {
  const { data } = useInfiniteQuery({ ...decisionsQuery, refetchInterval: LOOK_MS });
  const all = data?.pages.flat() ?? [];
  return (peer) => hasLeft(peer.node, all);
}
