import { Handle, type NodeProps, Position } from '@xyflow/react';
import { memo } from 'react';
import { type Card, ERROR_PORT, portOffset } from '../model';
import { CardFace, faceClass } from './card-face';
import { useCanvas, useCardState } from './context';
import type { CardNode } from './flow-nodes';

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
      {side === 'out' && ports.length > 1 && <PortName port={port} />}
    </Handle>
  ));
}

/** What stands beside a port when there are several. */
export function PortName({ port }: { readonly port: string }) {
  return (
    <span className="pointer-events-none absolute top-1/2 left-3 -translate-y-1/2 rounded-control bg-bg/85 px-1 text-meta whitespace-nowrap text-muted">
      {port}
    </span>
  );
}

function CardView({ data: { card } }: NodeProps<CardNode>) {
  const { selected, onSelect, stop } = useCanvas();
  const state = useCardState(card.id);
  const isSelected = selected === card.id;
  return (
    <>
      <button
        type="button"
        data-card={card.id}
        tabIndex={stop === card.id ? 0 : -1}
        aria-pressed={isSelected}
        onClick={() => onSelect(card.id)}
        style={{ width: card.width, height: card.height }}
        className={`pointer-events-auto cursor-pointer ${faceClass(card, state, isSelected)}`}
      >
        <CardFace card={card} state={state} />
      </button>
      <Ports card={card} side="in" />
      <Ports card={card} side="out" />
    </>
  );
}

export default memo(CardView);
