//! A card in words: on its last line, and aloud.
import { count, duration } from '../format/format';
import type { Translate } from '../i18n/messages';
import { stateLabel } from '../ui/status';
import type { CardState } from './card-states';
import type { Card } from './model';

/** What the last line of a card says: what came of it, or what it waits for. */
export function cardLine(t: Translate, state: CardState | undefined): string {
  if (!state) return '';
  const { status, runs, ended, rounds, attempt, itemsOut, tookUs } = state;
  const parts: string[] = state.isOld ? [t('card.old')] : [];
  if (status === 'waiting' && state.waitsFor) parts.push(t(`waits.${state.waitsFor}`));
  else if (state.source) parts.push(t(`source.${state.source}`));
  else parts.push(t(stateLabel(status)));
  if (rounds && rounds[0] < rounds[1]) parts.push(`${count(rounds[0])}/${count(rounds[1])}`);
  else if (runs > 1 && ended < runs) parts.push(`${count(ended)}/${count(runs)}`);
  else if (runs > 1) parts.push(`×${count(runs)}`);
  if (attempt > 1) parts.push(t('card.try', { number: attempt }));
  if (itemsOut !== undefined) parts.push(t('card.items', { count: itemsOut }));
  if (tookUs !== undefined && tookUs > 0 && status !== 'running') parts.push(duration(tookUs));
  return parts.join(' · ');
}

/** What a card says aloud beyond what stands on it. */
export function cardRest(t: Translate, card: Card, state: CardState | undefined): string {
  const ports = t('card.ports', { in: card.inputs.length, out: card.outputs.length });
  // Before anything is heard of it, and when its config says nothing, the title stands on the card itself.
  return state || card.summary ? `${card.title}, ${ports}` : ports;
}
