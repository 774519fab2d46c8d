//! How a friend is reached, in plain words.
import type { Peer } from '@/shared/api/types';
import { durationMs, moment } from '@/shared/format/format';
import { currentLocale, type Translate } from '@/shared/i18n/messages';
import { plainWhy } from '@/shared/mesh/addresses';

export type ReachWords = {
  /** In a word or two. */
  readonly badge: string;
  /** How fast, or since when not. */
  readonly more: string | undefined;
  /** Why it is no better than that. */
  readonly why: string | undefined;
};

/** The words for how it is reached now. */
export function reachWords(t: Translate, { reach, seen_at: seenAt }: Pick<Peer, 'reach' | 'seen_at'>): ReachWords {
  if (reach.state === 'away') {
    const more = seenAt == null ? t('friends.seen.never') : t('friends.seen.last', { time: moment(seenAt) });
    const why = reach.why == null ? undefined : (plainWhy(reach.why) ?? t('friends.why.nobody'));
    return { badge: t('friends.away'), more, why };
  }
  const more = reach.latency_ms == null ? undefined : latency(reach.latency_ms);
  if (reach.state === 'direct') return { badge: t('friends.direct'), more, why: undefined };
  const badge = reach.through == null ? t('friends.relayed') : t('friends.relayed_by', { name: reach.through });
  // Without a reason one may be tried just now.
  const why =
    reach.why == null ? t('friends.not_direct.yet') : t('friends.not_direct', { why: punchWhy(t, reach.why) });
  return { badge, more, why };
}

/** Why nobody got through; how often and by what means stands under details. */
const punchWhy = (t: Translate, why: string): string =>
  /hole-punch/i.test(why) ? t('friends.not_direct.tried') : (plainWhy(why) ?? t('friends.not_direct.nobody'));

/** Whether this node is reached through a friend, in a sentence; undefined when they do not offer that. */
export function relayWords(t: Translate, { name, relay }: Pick<Peer, 'name' | 'relay'>): string | undefined {
  if (relay == null) return undefined;
  if (relay.state === 'reserved') return t('friends.relay.reserved', { name });
  if (relay.state === 'asked') return t('friends.relay.asked', { name });
  return t('friends.relay.refused', { name, why: plainWhy(relay.why) ?? t('friends.not_direct.nobody') });
}

/** A round trip on a local network takes less than a millisecond, and that is worth telling. */
const latency = (ms: number): string =>
  ms < 1 ? `${Math.max(0.1, Math.round(ms * 10) / 10).toLocaleString(currentLocale())} ms` : durationMs(ms);
