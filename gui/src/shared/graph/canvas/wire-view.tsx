import type { EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import { count } from '../../format/format';
import type { WireState } from '../card-states';
import { ERROR_PORT, type Point } from '../model';
import { curvePath, curvePoint, wireCurve } from '../wire-path';
import { useWireState } from './context';
import type { WireEdge } from './flow-nodes';

export const LOOKS: Record<
  WireState['kind'],
  { readonly stroke: string; readonly width: number; readonly dash?: string }
> = {
  idle: { stroke: 'var(--control)', width: 1.5 },
  carried: { stroke: 'var(--ok)', width: 1.5 },
  active: { stroke: 'var(--accent)', width: 2.5 },
  'not-taken': { stroke: 'var(--skip)', width: 1.5, dash: '1 5' },
  error: { stroke: 'var(--fail)', width: 1.5, dash: '6 4' },
};

const DIGIT_WIDTH = 7;

/** How many items went along a wire, in the middle of it. */
export function WireCount({ state, at }: { readonly state: WireState | undefined; readonly at: Point }) {
  if (!state?.count) return null;
  const text = count(state.count);
  const width = text.length * DIGIT_WIDTH + 10;
  return (
    <g transform={`translate(${at.x} ${at.y})`} pointerEvents="none">
      <rect
        x={-width / 2}
        y={-9}
        width={width}
        height={18}
        rx={9}
        fill="var(--surface)"
        stroke={LOOKS[state.kind].stroke}
      />
      <text textAnchor="middle" dominantBaseline="central" fontSize={12} fill="var(--text)">
        {text}
      </text>
    </g>
  );
}

function WireView({ id, data, sourceX, sourceY, targetX, targetY }: EdgeProps<WireEdge>) {
  const state = useWireState(id);
  const isError = data?.wire.from.port === ERROR_PORT;
  const look = LOOKS[state?.kind ?? 'idle'];
  const curve = wireCurve({ x: sourceX, y: sourceY }, { x: targetX, y: targetY });
  const middle = curvePoint(curve, 0.5);
  return (
    <g aria-hidden>
      <path
        d={curvePath(curve)}
        fill="none"
        stroke={look.stroke}
        strokeWidth={look.width}
        strokeLinecap="round"
        strokeDasharray={look.dash ?? (isError ? '6 4' : undefined)}
      />
      <WireCount state={state} at={middle} />
    </g>
  );
}

export default memo(WireView);
