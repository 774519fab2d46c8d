import { Pin, TriangleAlert } from 'lucide-react';
import { useMessages } from '../../i18n/messages';
import { StateIcon, stateTone } from '../../ui/status';
import { cardLine, cardRest } from '../card-line';
import type { CardState } from '../card-states';
import type { Card } from '../model';
import { iconOf } from './icons';

const BORDER: Partial<Record<CardState['status'], string>> = {
  running: 'border-run',
  retrying: 'border-wait',
  waiting: 'border-wait',
  succeeded: 'border-ok',
  failed: 'border-fail border-2',
  skipped: 'border-skip border-dotted',
  stopped: 'border-skip',
};

const HATCHED = 'bg-[repeating-linear-gradient(135deg,transparent_0_6px,var(--raised)_6px_12px)]';

/** The classes of a card's box. */
export function faceClass(card: Card, state: CardState | undefined, isSelected: boolean): string {
  const border = isSelected ? 'border-accent' : (state && !state.isOld && BORDER[state.status]) || 'border-control';
  return `flex flex-col justify-center gap-0.5 overflow-hidden rounded-card border bg-surface px-3 text-left shadow-sm hover:bg-raised ${border} ${isSelected ? 'ring-2 ring-accent' : ''} ${card.isDisabled ? HATCHED : ''}`;
}

type FaceProps = {
  readonly card: Card;
  readonly state: CardState | undefined;
  /** How many problems the node's check has found here. */
  readonly problems?: number;
};

/** What stands on a card. */
export function CardFace({ card, state, problems = 0 }: FaceProps) {
  const t = useMessages();
  const Icon = iconOf(card.component, card.category);
  const isNow = state !== undefined && !state.isOld;
  const line =
    isNow && state.status === 'failed' && state.error ? state.error : cardLine(t, state) || card.summary || card.title;
  return (
    <>
      <span className="flex w-full items-center gap-2">
        <Icon aria-hidden className="size-4 shrink-0 text-muted" />
        <span className={`min-w-0 flex-1 truncate font-semibold ${card.isDisabled ? 'line-through' : ''}`}>
          {card.name}
        </span>
        {card.isPinned && <Pin aria-hidden className="size-3.5 shrink-0 text-pin" />}
        {problems > 0 && (
          <span className="flex shrink-0 items-center gap-0.5 text-meta font-semibold text-wait">
            <TriangleAlert aria-hidden className="size-3.5" />
            <span aria-hidden>{problems}</span>
            <span className="sr-only">{t('designer.problems.count', { count: problems })}</span>
          </span>
        )}
        {isNow && <StateIcon state={state.status} />}
      </span>
      <span className={`w-full truncate text-meta ${isNow ? stateTone(state.status) : 'text-muted'}`}>{line}</span>
      <span className="sr-only">{cardRest(t, card, state)}</span>
    </>
  );
}
