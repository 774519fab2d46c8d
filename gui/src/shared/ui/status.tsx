import {
  Ban,
  Check,
  CircleDashed,
  Clock,
  Hourglass,
  LoaderCircle,
  Minus,
  OctagonPause,
  Pause,
  Square,
  X,
} from 'lucide-react';
import type { ComponentType } from 'react';
import type { JobState } from '../api/types';
import type { ShownStatus } from '../history/view';
import type { PlainKey } from '../i18n/messages';
import { useMessages } from '../i18n/messages';

export type Shown = JobState | ShownStatus;

type Look = { readonly tone: string; readonly icon: ComponentType<{ className?: string }>; readonly label: PlainKey };

/** Each state has a colour, a sign and a word, so that none of the three is needed to tell them apart. */
const LOOKS: Record<Shown, Look> = {
  queued: { tone: 'text-queue', icon: Clock, label: 'state.queued' },
  held: { tone: 'text-queue', icon: Clock, label: 'state.held' },
  pending: { tone: 'text-muted', icon: CircleDashed, label: 'state.pending' },
  running: { tone: 'text-run', icon: LoaderCircle, label: 'state.running' },
  retrying: { tone: 'text-wait', icon: Hourglass, label: 'state.retrying' },
  waiting: { tone: 'text-wait', icon: Hourglass, label: 'state.waiting' },
  answered: { tone: 'text-wait', icon: Pause, label: 'state.answered' },
  ready: { tone: 'text-wait', icon: Pause, label: 'state.ready' },
  paused: { tone: 'text-wait', icon: Pause, label: 'state.paused' },
  parked: { tone: 'text-fail', icon: OctagonPause, label: 'state.parked' },
  succeeded: { tone: 'text-ok', icon: Check, label: 'state.succeeded' },
  failed: { tone: 'text-fail', icon: X, label: 'state.failed' },
  cancelled: { tone: 'text-skip', icon: Ban, label: 'state.cancelled' },
  skipped: { tone: 'text-skip', icon: Minus, label: 'state.skipped' },
  stopped: { tone: 'text-skip', icon: Square, label: 'state.stopped' },
};

export const stateTone = (state: Shown): string => LOOKS[state].tone;
export const stateLabel = (state: Shown): PlainKey => LOOKS[state].label;
/** The colour role of a state, for canvases. */
export const stateRole = (state: Shown): string => LOOKS[state].tone.replace('text-', '');

export function StateIcon({ state, className = 'size-4' }: { readonly state: Shown; readonly className?: string }) {
  const { tone, icon: Icon } = LOOKS[state];
  const motion = state === 'running' ? 'animate-spin' : '';
  return <Icon aria-hidden className={`${className} ${tone} ${motion} shrink-0`} />;
}

/** The state as sign and word. */
export function StateBadge({ state, className = '' }: { readonly state: Shown; readonly className?: string }) {
  const t = useMessages();
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap ${LOOKS[state].tone} ${className}`}>
      <StateIcon state={state} />
      {t(LOOKS[state].label)}
    </span>
  );
}
