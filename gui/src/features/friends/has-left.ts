import { useInfiniteQuery } from '@tanstack/react-query';
import { decisionsQuery } from '@/shared/api/requests/decisions';
import { LOOK_MS } from '@/shared/api/requests/mesh';
import type { MeshDecision, Peer } from '@/shared/api/types';

/** Whether a friend has removed this node since they became friends, as far as the decisions that were read tell. */
export const leftSince = (peer: Pick<Peer, 'node' | 'paired_at'>, decisions: readonly MeshDecision[]): boolean =>
  decisions.some((it) => it.kind === 'removed-by-peer' && it.peer === peer.node && it.at > peer.paired_at);

/** Who of the friends has removed this node. */
export function useHasLeft(): (peer: Peer) => boolean {
  const { data } = useInfiniteQuery({ ...decisionsQuery, refetchInterval: LOOK_MS });
  const all = data?.pages.flat() ?? [];
  return (peer) => leftSince(peer, all);
}
