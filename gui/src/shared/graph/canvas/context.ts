import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { CardState, LightStore, WireState } from '../card-states';

export type CanvasContextValue = {
  readonly lights: LightStore;
  readonly selected: string | undefined;
  readonly onSelect: (id: string | undefined) => void;
  /** The card that Tab reaches. */
  readonly stop: string | undefined;
};

export const CanvasContext = createContext<CanvasContextValue | undefined>(undefined);

export function useCanvas(): CanvasContextValue {
  const value = useContext(CanvasContext);
  if (!value) throw new Error('cards and wires live inside a canvas');
  return value;
}

export function useCardState(id: string): CardState | undefined {
  const { lights } = useCanvas();
  const subscribe = useCallback((listener: () => void) => lights.subscribe(`card:${id}`, listener), [lights, id]);
  return useSyncExternalStore(subscribe, () => lights.card(id));
}

export function useWireState(id: string): WireState | undefined {
  const { lights } = useCanvas();
  const subscribe = useCallback((listener: () => void) => lights.subscribe(`wire:${id}`, listener), [lights, id]);
  return useSyncExternalStore(subscribe, () => lights.wire(id));
}
