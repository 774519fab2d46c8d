//! How a friend is reached, in plain words.
import type { Peer } from '@/shared/api/types';
import { durationMs, moment } from '@/shared/format/format';
import { currentLocale, type Translate, useMessages } from '@/shared/i18n/messages';
import { plainWhy } from '@/shared/mesh/addresses';

export type ReachWords = { readonly text: string; readonly why: string | undefined };

/** The words, and why it is away. */
export function reachWords(t: Translate, { reach, seen_at: seenAt }: Pick<Peer, 'reach' | 'seen_at'>): ReachWords {
  if (reach.state === 'away') {
    const text = seenAt == null ? t('friends.away.never') : t('friends.away', { time: moment(seenAt) });
    const why = reach.why == null ? undefined : (plainWhy(reach.why) ?? t('friends.why.nobody'));
    return { text, why };
  }
  const words = reach.state === 'direct' ? t('friends.direct') : t('friends.relayed');
  return { text: reach.latency_ms == null ? words : `${words}, ${latency(reach.latency_ms)}`, why: undefined };
}

/** A round trip on a local network takes less than a millisecond, and that is worth telling. */
const latency = (ms: number): string =>
  ms < 1 ? `${Math.max(0.1, Math.round(ms * 10) / 10).toLocaleString(currentLocale())} ms` : durationMs(ms);

export function useReachWords(peer: Peer): ReachWords {
  return reachWords(useMessages(), peer);
}
