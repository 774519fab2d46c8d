import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import { Pin } from 'lucide-react';
import { memo } from 'react';
import { useMessages } from '../../i18n/messages';
import { StateIcon, stateTone } from '../../ui/status';
import { cardLine, cardRest } from '../card-line';
import type { CardState } from '../card-states';
import { type Card, ERROR_PORT, portOffset } from '../model';
import { useCanvas, useCardState } from './context';
import { iconOf } from './icons';

export type CardNode = Node<{ card: Card }, 'card'>;

const BORDER: Partial<Record<CardState['status'], string>> = {
  running: 'border-run',
  retrying: 'border-wait',
  waiting: 'border-wait',
  succeeded: 'border-ok',
  failed: 'border-fail border-2',
  skipped: 'border-skip border-dotted',
  stopped: 'border-skip',
};

function Ports({ card, side }: { readonly card: Card; readonly side: 'in' | 'out' }) {
  const ports = side === 'in' ? card.inputs : card.outputs;
  return ports.map((port) => (
    <Handle
      key={port}
      id={port}
      type={side === 'in' ? 'target' : 'source'}
      position={side === 'in' ? Position.Left : Position.Right}
      isConnectable={false}
      className={`size-2.5! min-w-0! rounded-full! border-2! border-surface! ${port === ERROR_PORT ? 'bg-fail!' : 'bg-control!'}`}
      style={{ top: portOffset(card, side, port).y }}
    >
      {side === 'out' && ports.length > 1 && (
        <span className="pointer-events-none absolute top-1/2 left-3 -translate-y-1/2 rounded-control bg-bg/85 px-1 text-meta whitespace-nowrap text-muted">
          {port}
        </span>
      )}
    </Handle>
  ));
}

function CardView({ data: { card } }: NodeProps<CardNode>) {
  const t = useMessages();
  const { selected, onSelect, stop } = useCanvas();
  const state = useCardState(card.id);
  const Icon = iconOf(card.component, card.category);
  const isSelected = selected === card.id;
  const border = isSelected ? 'border-accent' : ((state && BORDER[state.status]) ?? 'border-control');
  const line = state?.status === 'failed' && state.error ? state.error : cardLine(t, state) || card.title;
  return (
    <>
      <button
        type="button"
        data-card={card.id}
        tabIndex={stop === card.id ? 0 : -1}
        aria-pressed={isSelected}
        onClick={() => onSelect(card.id)}
        style={{ width: card.width, height: card.height }}
        className={`flex cursor-pointer flex-col justify-center gap-0.5 overflow-hidden rounded-card border bg-surface px-3 text-left shadow-sm hover:bg-raised ${border} ${isSelected ? 'ring-2 ring-accent' : ''} ${card.isDisabled ? 'bg-[repeating-linear-gradient(135deg,transparent_0_6px,var(--raised)_6px_12px)]' : ''}`}
      >
        <span className="flex w-full items-center gap-2">
          <Icon aria-hidden className="size-4 shrink-0 text-muted" />
          <span className={`min-w-0 flex-1 truncate font-semibold ${card.isDisabled ? 'line-through' : ''}`}>
            {card.name}
          </span>
          {card.isPinned && <Pin aria-hidden className="size-3.5 shrink-0 text-pin" />}
          {state && <StateIcon state={state.status} />}
        </span>
        <span className={`w-full truncate text-meta ${state ? stateTone(state.status) : 'text-muted'}`}>{line}</span>
        <span className="sr-only">{cardRest(t, card, state)}</span>
      </button>
      <Ports card={card} side="in" />
      <Ports card={card} side="out" />
    </>
  );
}

export default memo(CardView);
