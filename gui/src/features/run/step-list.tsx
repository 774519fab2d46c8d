import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useMemo, useRef } from 'react';
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

/** Fingers need taller rows. */
const isTouch = typeof matchMedia !== 'undefined' && matchMedia('(pointer: coarse)').matches;

/** The steps as a list: the whole picture for whoever cannot or does not want to use the canvas. */
export const StepList = memo(function StepList({ graph, lit, selected, onSelect }: StepListProps) {
  const cards = useMemo(() => readingOrder(graph), [graph]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: cards.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isTouch ? 48 : 40),
    overscan: 8,
  });
  return (
    <div ref={scroller} tabIndex={-1} className="scroll-thin h-full overflow-y-auto pb-2">
      <ul className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const card = cards[row.index];
          return (
            card && (
              <li
                key={card.id}
                className="absolute inset-x-0 top-0"
                style={{ height: row.size, transform: `translateY(${row.start}px)` }}
              >
                <Row card={card} state={lit.cards.get(card.id)} isSelected={card.id === selected} onSelect={onSelect} />
              </li>
            )
          );
        })}
      </ul>
    </div>
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
    <button
      type="button"
      aria-current={isSelected ? 'true' : undefined}
      onClick={() => onSelect(card.id)}
      className="flex h-full w-full items-center gap-2.5 px-3 text-left hover:bg-raised focus-visible:-outline-offset-2 aria-[current]:bg-raised"
    >
      <StateIcon state={state?.status ?? 'pending'} />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-semibold">{card.name}</span>
        <span className={`block truncate text-meta ${state ? stateTone(state.status) : 'text-muted'}`}>
          {isFailed ? state.error : cardLine(t, state) || card.summary || card.title}
        </span>
      </span>
    </button>
  );
}
