import { useStoreApi } from '@xyflow/react';
import { useEffect, useRef } from 'react';
import { useTheme } from '../../theme/theme';
import { meet } from '../bounds';
import { drawScene, type Look, penFor, sight } from './draw';

/** Below this zoom, with this many cards in sight, cards are painted and not mounted. */
export const OVERVIEW_ZOOM = 0.4;
export const OVERVIEW_CARDS = 200;

/** Whether so much is in sight that it is painted. */
export function isFar(
  look: Pick<Look, 'scene'>,
  [x, y, zoom]: readonly [number, number, number],
  width: number,
  height: number,
) {
  if (zoom >= OVERVIEW_ZOOM || look.scene.graph.cards.length < OVERVIEW_CARDS) return false;
  const seen = sight({ x, y, zoom }, width, height);
  let count = 0;
  for (const card of look.scene.graph.cards) {
    if (meet(card, seen)) count += 1;
    if (count >= OVERVIEW_CARDS) return true;
  }
  return false;
}

/** The scene painted on one canvas that follows pan and zoom by itself, without React. */
export function OverviewCanvas({ scene, lights, selection }: Look) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const store = useStoreApi();
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme is another painting.
  useEffect(() => {
    let frame = 0;
    const paint = () => {
      frame = 0;
      const { transform, width, height } = store.getState();
      const pen = canvas.current && penFor(canvas.current, width, height);
      const [x, y, zoom] = transform;
      if (pen) drawScene(pen, { scene, lights, selection }, { x, y, zoom }, width, height);
    };
    const soon = () => {
      frame ||= requestAnimationFrame(paint);
    };
    paint();
    let last = store.getState();
    const stopStore = store.subscribe((state) => {
      if (state.transform !== last.transform || state.width !== last.width || state.height !== last.height) soon();
      last = state;
    });
    const stopLights = lights.subscribeAll(soon);
    return () => {
      cancelAnimationFrame(frame);
      stopStore();
      stopLights();
    };
  }, [store, scene, lights, selection, theme]);
  return <canvas ref={canvas} aria-hidden className="pointer-events-none absolute inset-0 size-full" />;
}
