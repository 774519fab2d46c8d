//! Pointing at cards that are painted and not mounted: a click picks, a box picks all that it touches.
import { useReactFlow, useStoreApi } from '@xyflow/react';
import { useEffect } from 'react';
import { cardAt, cardsIn } from '../bounds';
import type { Store } from '../keyed-store';
import type { Point } from '../model';
import type { Scene } from '../scene';
import type { SelectionStore } from '../selection';

type Parts = {
  readonly isOn: boolean;
  readonly scene: Scene;
  readonly selection: SelectionStore;
  readonly stop: Store<string | undefined>;
};

export function useOverviewPointer({ isOn, scene, selection, stop }: Parts) {
  const flow = useReactFlow();
  const store = useStoreApi();
  useEffect(() => {
    if (!isOn) return;
    let last = store.getState().userSelectionRect;
    return store.subscribe((state) => {
      if (state.userSelectionRect === last) return;
      last = state.userSelectionRect;
      if (!last || last.width === 0) return;
      const [x, y, zoom] = state.transform;
      const box = {
        x: (last.x - x) / zoom,
        y: (last.y - y) / zoom,
        width: last.width / zoom,
        height: last.height / zoom,
      };
      selection.set(new Set(cardsIn(scene.graph.cards, box).map((card) => card.id)));
    });
  }, [isOn, store, scene, selection]);
  return {
    onPaneClick: (client: Point) => {
      // Mounted cards are picked by themselves; a click beside them picks nothing.
      if (!isOn) {
        selection.set(new Set());
        return;
      }
      const at = flow.screenToFlowPosition(client, { snapToGrid: false });
      const card = cardAt(scene.graph.cards, at);
      selection.set(new Set(card ? [card.id] : []));
      if (card) stop.set(card.id);
    },
  };
}
