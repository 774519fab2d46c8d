//! An event as a line for people.
import type { JobEvent } from '@/shared/api/types';
import { durationMs } from '@/shared/format/format';
import { listLength, told } from '@/shared/history/view';
import type { PlainKey, Translate } from '@/shared/i18n/messages';

const KIND_KEYS = {
  accepted: 'event.accepted',
  started: 'event.started',
  step_started: 'event.step_started',
  step_succeeded: 'event.step_succeeded',
  step_failed: 'event.step_failed',
  step_skipped: 'event.step_skipped',
  step_suspended: 'event.step_suspended',
  step_resumed: 'event.step_resumed',
  loop_round: 'event.loop_round',
  step_log: 'event.step_log',
  paused: 'event.paused',
  resumed: 'event.resumed',
  cancel_requested: 'event.cancel_requested',
  parked: 'event.parked',
  ended: 'event.ended',
} as const satisfies Record<ReturnType<typeof told>['kind'], PlainKey>;

export type Kind = keyof typeof KIND_KEYS;
export const KINDS = Object.keys(KIND_KEYS) as readonly Kind[];
export const kindKey = (kind: Kind): PlainKey => KIND_KEYS[kind];

const TONES: Partial<Record<Kind, string>> = {
  step_started: 'text-run',
  step_succeeded: 'text-ok',
  step_failed: 'text-fail',
  step_skipped: 'text-skip',
  step_suspended: 'text-wait',
  cancel_requested: 'text-fail',
  parked: 'text-fail',
};
export const kindTone = (kind: Kind): string => TONES[kind] ?? 'text-muted';

/** What an event adds to its kind: the note, the error, the line. */
export function eventDetail(t: Translate, event: JobEvent): string {
  const what = told(event.what);
  switch (what.kind) {
    case 'step_started':
      return what.said.attempt > 1 ? t('card.try', { number: what.said.attempt }) : '';
    case 'step_succeeded':
      return (
        what.said.note ||
        t('card.items', {
          count: Object.values(what.said.ports).reduce((sum, port) => sum + listLength(port.items), 0),
        })
      );
    case 'step_failed': {
      const again =
        typeof what.said.then === 'object'
          ? ` · ${t('event.again', { time: durationMs(Math.max(0, what.said.then.retry.at - event.at)) })}`
          : '';
      return `${what.said.error.message.split('\n')[0]}${again}`;
    }
    case 'step_skipped':
      return what.said.reason;
    case 'step_suspended': {
      const wait = what.said.wait;
      if ('approval' in wait) return wait.approval.title;
      if ('child' in wait) return wait.child.preset;
      if ('rounds' in wait) return t('event.rounds', { count: wait.rounds.rounds });
      return 'until' in wait ? durationMs(Math.max(0, wait.until - event.at)) : t('waits.rerun');
    }
    case 'step_resumed':
      return typeof what.said.with === 'object' && 'decision' in what.said.with ? what.said.with.decision.by : '';
    case 'loop_round':
      return t('event.round', { round: what.said.round, count: listLength(what.said.items) });
    case 'step_log':
      return what.said.lines[0]?.text ?? '';
    case 'cancel_requested':
    case 'parked':
      return what.said.reason;
    case 'ended':
      return typeof what.said.outcome === 'string'
        ? t('state.succeeded')
        : 'failed' in what.said.outcome
          ? t('state.failed')
          : t('state.cancelled');
    default:
      return '';
  }
}
