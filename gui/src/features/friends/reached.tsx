import { Unplug, Waypoints, Zap } from 'lucide-react';
import type { Peer } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { reachWords } from './reach-words';

const ICONS = { direct: Zap, relayed: Waypoints, away: Unplug } as const;
const TONES = { direct: 'text-ok', relayed: 'text-wait', away: 'text-muted' } as const;

/** How a friend is reached now: a sign and a word or two, and how fast. */
export function Reached({ peer }: { readonly peer: Peer }) {
  const { state } = peer.reach;
  const Icon = ICONS[state];
  const { badge, more } = reachWords(useMessages(), peer);
  return (
    <p className="flex min-w-0 flex-wrap items-center gap-x-2">
      <span
        className={`inline-flex min-w-0 items-center gap-1 rounded-full border border-current px-2 text-meta ${TONES[state]}`}
      >
        <Icon aria-hidden className="size-3.5 shrink-0" />
        <span className="min-w-0 break-words">{badge}</span>
      </span>
      {more && <span className="text-muted tabular-nums">{more}</span>}
    </p>
  );
}
