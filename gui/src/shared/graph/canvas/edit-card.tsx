import { Handle, type NodeProps, Position } from '@xyflow/react';
import { Ellipsis, Pin, Play, Plus, Power, Trash2 } from 'lucide-react';
import { memo, useEffect, useRef, useState } from 'react';
import { useRefused } from '../../auth/may';
import { useMessages } from '../../i18n/messages';
import { type Card, ERROR_PORT, portOffset } from '../model';
import type { ChangeKind } from '../preset-diff';
import { CardFace, faceClass } from './card-face';
import { PortName } from './card-view';
import { type CardAction, useEdit, useIs, useKeyed, useLight } from './edit-context';
import type { CardNode } from './flow-nodes';

const PORT =
  "size-3! min-w-0! rounded-full! border-2! border-surface! after:absolute after:-inset-2 after:content-[''] hover:scale-140 pointer-coarse:after:-inset-4";

function Ports({ card, side }: { readonly card: Card; readonly side: 'in' | 'out' }) {
  const t = useMessages();
  const { canEdit } = useEdit();
  const ports = side === 'in' ? card.inputs : card.outputs;
  return ports.map((port) => (
    <Handle
      key={port}
      id={port}
      type={side === 'in' ? 'target' : 'source'}
      position={side === 'in' ? Position.Left : Position.Right}
      isConnectable={canEdit}
      title={`${port}: ${t(side === 'in' ? 'designer.port.in' : 'designer.port.out')}`}
      className={`${PORT} ${port === ERROR_PORT ? 'bg-fail!' : 'bg-control!'}`}
      style={{ top: portOffset(card, side, port).y }}
    >
      {side === 'out' && ports.length > 1 && <PortName port={port} />}
    </Handle>
  ));
}

/** A plus beside each output: what comes next. */
function Pluses({ card }: { readonly card: Card }) {
  const t = useMessages();
  const { on } = useEdit();
  return card.outputs.map((port) => {
    const { x, y } = portOffset(card, 'out', port);
    return (
      <button
        key={port}
        type="button"
        tabIndex={-1}
        aria-label={t('designer.port.add', { name: card.name, port })}
        title={t('designer.port.add', { name: card.name, port })}
        className="nodrag nopan absolute flex size-6 items-center justify-center rounded-full border border-control bg-surface text-text hover:border-accent hover:text-accent [.react-flow__node.dragging_&]:hidden"
        style={{ left: x + (card.outputs.length > 1 ? 26 + port.length * 6.5 : 14), top: y - 12 }}
        onClick={(event) =>
          on.add({
            at: { x: card.x + card.width + 96, y: card.y },
            client: { x: event.clientX, y: event.clientY },
            loose: { end: { step: card.id, port }, side: 'out' },
          })
        }
      >
        <Plus aria-hidden className="size-3" />
      </button>
    );
  });
}

function Toolbar({ card }: { readonly card: Card }) {
  const t = useMessages();
  const { on, canEdit } = useEdit();
  const act = (action: CardAction) => () => on.act(action, card.id);
  const isStep = card.kind === 'step';
  const mayRun = useRefused('editor') === undefined;
  if (!canEdit && !(isStep && mayRun)) return null;
  return (
    <div className="nodrag nopan absolute -top-8 right-0 flex h-8 items-start [.react-flow__node.dragging_&]:hidden">
      <div className="flex h-7 items-center rounded-control border border-line bg-surface shadow-sm">
        {isStep && mayRun && (
          <Tool label={t('designer.do.run_only')} onClick={act('run')}>
            <Play aria-hidden className="size-3.5" />
          </Tool>
        )}
        {canEdit && (
          <>
            <Tool label={t(card.isDisabled ? 'designer.do.enable' : 'designer.do.disable')} onClick={act('disable')}>
              <Power aria-hidden className="size-3.5" />
            </Tool>
            {isStep && (
              <Tool label={t(card.isPinned ? 'designer.do.unpin' : 'designer.do.pin')} onClick={act('pin')}>
                <Pin aria-hidden className="size-3.5" />
              </Tool>
            )}
            <Tool label={t('designer.do.delete')} onClick={act('delete')}>
              <Trash2 aria-hidden className="size-3.5" />
            </Tool>
            <button
              type="button"
              tabIndex={-1}
              aria-label={t('designer.more')}
              title={t('designer.more')}
              className={TOOL}
              onClick={(event) =>
                on.menu(card.id, { x: event.clientX, y: event.clientY }, { x: card.x + card.width, y: card.y })
              }
            >
              <Ellipsis aria-hidden className="size-3.5" />
            </button>
          </>
        )}
      </div>
    </div>
  );
}

const TOOL = 'flex size-7 items-center justify-center rounded-control text-text hover:bg-raised pointer-coarse:size-9';

type ToolProps = { readonly label: string; readonly onClick: () => void; readonly children: React.ReactNode };

// The keys do all of this: Tab goes past the tools of every card.
function Tool({ label, onClick, children }: ToolProps) {
  return (
    <button type="button" tabIndex={-1} aria-label={label} title={label} className={TOOL} onClick={onClick}>
      {children}
    </button>
  );
}

/** A field over the name of a card. */
export function NameField({ id, name, className }: { id: string; name: string; className: string }) {
  const t = useMessages();
  const { on, writing } = useEdit();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const end = (text: string | undefined) => {
    if (writing.get() !== id) return;
    writing.set(undefined);
    if (text !== undefined && text.trim() !== '' && text !== name) on.renamed(id, text.trim());
  };
  return (
    <input
      ref={field}
      defaultValue={name}
      aria-label={t('designer.do.rename')}
      className={`nodrag nopan nowheel pointer-events-auto rounded-control border border-accent bg-surface px-2 font-semibold text-text ${className}`}
      onBlur={(event) => end(event.target.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key !== 'Enter' && event.key !== 'Escape') return;
        const back = event.currentTarget.closest('.react-flow__node')?.querySelector<HTMLElement>('[data-card]');
        end(event.key === 'Enter' ? event.currentTarget.value : undefined);
        back?.focus();
      }}
    />
  );
}

const CHANGES: Readonly<Record<ChangeKind, { look: string; sign: string; tone: string }>> = {
  added: { look: 'border-ok! ring-2 ring-ok', sign: '+', tone: 'bg-ok' },
  changed: { look: 'border-wait! ring-2 ring-wait', sign: '~', tone: 'bg-wait' },
  removed: { look: 'border-fail! border-dashed! opacity-60', sign: '−', tone: 'bg-fail' },
};

/** How a card differs between the two versions that are compared. */
function ChangeMark({ kind }: { readonly kind: ChangeKind }) {
  const t = useMessages();
  const { sign, tone } = CHANGES[kind];
  return (
    <span
      className={`pointer-events-none absolute -top-2.5 left-3 rounded-full px-2 text-meta font-semibold text-surface ${tone}`}
    >
      {sign} {t(`designer.diff.${kind}`)}
    </span>
  );
}

function EditCard({ data: { card }, selected = false }: NodeProps<CardNode>) {
  const { stop, problems, changes, refusing, writing, canEdit } = useEdit();
  const state = useLight(card.id);
  const isStop = useIs(stop, card.id);
  const isWriting = useIs(writing, card.id);
  const count = useKeyed(problems, card.id);
  const change = useKeyed(changes, card.id);
  const isRefusing = useKeyed(refusing, card.id) ?? false;
  // Tools are there for whoever points here or has the focus here: hundreds of cards come into sight while somebody pans.
  const [isNear, setNear] = useState(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears whether somebody is near.
    <div
      onPointerEnter={(event) => event.buttons === 0 && setNear(true)}
      onPointerLeave={() => setNear(false)}
      onFocus={() => setNear(true)}
      onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setNear(false)}
    >
      <button
        type="button"
        data-card={card.id}
        tabIndex={isStop ? 0 : -1}
        aria-pressed={selected}
        style={{ width: card.width, height: card.height }}
        className={`cursor-grab active:cursor-grabbing ${faceClass(card, state, selected)} ${isRefusing ? 'opacity-40' : ''} ${change ? CHANGES[change].look : ''}`}
      >
        <CardFace card={card} state={state} problems={count} />
      </button>
      {isWriting && <NameField id={card.id} name={card.name} className="absolute top-1.5 left-7 h-7 w-46" />}
      {change && <ChangeMark kind={change} />}
      {isNear && <Toolbar card={card} />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a click on a port connects; it does not select the card as well. */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above; with keys C connects. */}
      <div onClick={(event) => event.stopPropagation()}>
        <Ports card={card} side="in" />
        <Ports card={card} side="out" />
      </div>
      {isNear && canEdit && <Pluses card={card} />}
    </div>
  );
}

export default memo(EditCard);
