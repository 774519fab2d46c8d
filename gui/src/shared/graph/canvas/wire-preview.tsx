import type { ConnectionLineComponentProps } from '@xyflow/react';
import { curvePath, wireCurve } from '../wire-path';

/** The wire that is being drawn; red over what cannot take it. */
export function WirePreview({ fromX, fromY, toX, toY, fromHandle, connectionStatus }: ConnectionLineComponentProps) {
  const [here, there] = [
    { x: fromX, y: fromY },
    { x: toX, y: toY },
  ];
  const curve = fromHandle.type === 'source' ? wireCurve(here, there) : wireCurve(there, here);
  const stroke = connectionStatus === 'invalid' ? 'var(--fail)' : 'var(--accent)';
  return (
    <g aria-hidden>
      <path d={curvePath(curve)} fill="none" stroke={stroke} strokeWidth={2.5} strokeLinecap="round" />
      <circle cx={toX} cy={toY} r={4} fill={stroke} />
    </g>
  );
}
