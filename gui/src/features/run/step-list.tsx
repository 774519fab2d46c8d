import { memo, useMemo } from 'react';
import { cardLine } from '@/shared/graph/card-line';
import type { CardState, Lights } from '@/shared/graph/card-states';
import type { Card, Graph } from '@/shared/graph/model';
import { readingOrder } from '@/shared/graph/walk';
import { useMessages } from '@/shared/i18n/messages';
import { StateIcon, stateTone } from '@/shared/ui/status';

type StepListProps = {
  readonly graph: Graph;
  readonly lit: Lights;
  readonly selected: string | undefined;
  readonly onSelect: (step: string) => void;
};

/** The steps as a list: the whole picture for whoever cannot or does not want to use the canvas. */
export const StepList = memo(function StepList({ graph, lit, selected, onSelect }: StepListProps) {
  const cards = useMemo(() => readingOrder(graph), [graph]);
  return (
    <ul className="scroll-thin h-full overflow-y-auto pb-2">
      {cards.map((card) => (
        <Row
          key={card.id}
          card={card}
          state={lit.cards.get(card.id)}
          isSelected={card.id === selected}
          onSelect={onSelect}
        />
      ))}
    </ul>
  );
});

type RowProps = {
  readonly card: Card;
  readonly state: CardState | undefined;
  readonly isSelected: boolean;
  readonly onSelect: (step: string) => void;
};

function Row({ card, state, isSelected, onSelect }: RowProps) {
  const t = useMessages();
  const isFailed = state?.status === 'failed' && state.error;
  return (
    <li>
      <button
        type="button"
        aria-current={isSelected ? 'true' : undefined}
        onClick={() => onSelect(card.id)}
        className="flex min-h-10 w-full items-center gap-2.5 px-3 text-left hover:bg-raised focus-visible:-outline-offset-2 aria-[current]:bg-raised pointer-coarse:min-h-12"
      >
        <StateIcon state={state?.status ?? 'pending'} />
        <span className="min-w-0 flex-1">
          <span className="block truncate font-semibold">{card.name}</span>
          <span className={`block truncate text-meta ${state ? stateTone(state.status) : 'text-muted'}`}>
            {isFailed ? state.error : cardLine(t, state) || card.title}
          </span>
        </span>
      </button>
    </li>
  );
}
