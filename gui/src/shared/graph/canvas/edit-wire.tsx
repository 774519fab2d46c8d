import type { EdgeProps } from '@xyflow/react';
import { memo, useState, useSyncExternalStore } from 'react';
import { useMessages } from '../../i18n/messages';
import { ERROR_PORT } from '../model';
import { curvePath, curvePoint, wireCurve } from '../wire-path';
import { useEdit, useKeyed, useWireLight } from './edit-context';
import type { WireEdge } from './flow-nodes';
import { LOOKS, WireCount } from './wire-view';

const CHANGED = { added: 'var(--ok)', changed: 'var(--wait)', removed: 'var(--fail)' } as const;

function EditWire({ id, data, sourceX, sourceY, targetX, targetY, selected = false }: EdgeProps<WireEdge>) {
  const t = useMessages();
  const { drop, changes, on, canEdit } = useEdit();
  const change = useKeyed(changes, id);
  const state = useWireLight(id);
  const isDrop = useSyncExternalStore(drop.subscribe, () => drop.get()?.wire === id);
  const isError = data?.wire.from.port === ERROR_PORT;
  const look = LOOKS[state?.kind ?? 'idle'];
  const curve = wireCurve({ x: sourceX, y: sourceY }, { x: targetX, y: targetY });
  const path = curvePath(curve);
  const middle = curvePoint(curve, 0.5);
  // The plus stands beside the count of items and not on it.
  const plus = state?.count ? curvePoint(curve, 0.7) : middle;
  const isLit = selected || isDrop;
  const [isNear, setNear] = useState(false);
  return (
    <g aria-hidden className="group/wire" onPointerEnter={() => setNear(true)} onPointerLeave={() => setNear(false)}>
      <path d={path} fill="none" stroke="transparent" strokeWidth={20} className="cursor-pointer" />
      <path
        d={path}
        fill="none"
        stroke={isLit ? 'var(--accent)' : change ? CHANGED[change] : look.stroke}
        strokeWidth={isDrop ? 4 : isLit || change ? 2.5 : look.width}
        strokeLinecap="round"
        strokeDasharray={
          isLit ? undefined : change === 'removed' ? '2 6' : (look.dash ?? (isError ? '6 4' : undefined))
        }
        className="pointer-events-none group-hover/wire:stroke-accent"
      />
      <WireCount state={state} at={middle} />
      {canEdit && (isNear || selected) && (
        // biome-ignore lint/a11y/noStaticElementInteractions: for the pointer; with keys N adds on a selected wire.
        <g
          transform={`translate(${plus.x} ${plus.y})`}
          className="cursor-pointer"
          onClick={(event) => {
            event.stopPropagation();
            on.add({ at: middle, client: { x: event.clientX, y: event.clientY }, wire: id });
          }}
        >
          <title>{t('designer.wire.add')}</title>
          <circle r={12} fill="transparent" />
          <circle r={9} fill="var(--surface)" stroke="var(--accent)" />
          <path d="M-4 0H4M0-4V4" stroke="var(--accent)" strokeWidth={1.5} strokeLinecap="round" />
        </g>
      )}
    </g>
  );
}

export default memo(EditWire);
