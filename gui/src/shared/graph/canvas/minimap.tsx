import { useReactFlow, useStoreApi } from '@xyflow/react';
import { type PointerEvent, useEffect, useMemo, useRef } from 'react';
import { useTheme } from '../../theme/theme';
import { stateRole } from '../../ui/status';
import { boundsOf } from '../bounds';
import type { LightStore } from '../card-states';
import type { Rect } from '../model';
import type { Scene } from '../scene';
import { palette, penFor, roleOf, sight } from './draw';

const WIDTH = 168;
const HEIGHT = 104;

type MinimapProps = {
  readonly scene: Scene;
  readonly lights: LightStore;
};

/** Where one is in a large picture: drawn once for each change of the scene, the frame of what is in sight over it. */
export function Minimap({ scene, lights }: MinimapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const store = useStoreApi();
  const flow = useReactFlow();
  const theme = useTheme();
  const bounds = useMemo(() => boundsOf([...scene.graph.cards, ...scene.notes], 160), [scene]);
  // What the map showed last: a click is read by what was seen.
  const shown = useRef<{ area: Rect; scale: number }>({ area: bounds, scale: 1 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme is another painting.
  useEffect(() => {
    const picture = document.createElement('canvas');
    let isPictureOld = true;
    let frame = 0;
    const area = bounds;
    const scale = Math.min(WIDTH / Math.max(1, area.width), HEIGHT / Math.max(1, area.height));
    const left = (WIDTH - area.width * scale) / 2;
    const top = (HEIGHT - area.height * scale) / 2;
    shown.current = { area: { ...area, x: area.x - left / scale, y: area.y - top / scale }, scale };
    const place = (rect: Rect) =>
      [
        (rect.x - area.x) * scale + left,
        (rect.y - area.y) * scale + top,
        Math.max(1.5, rect.width * scale),
        Math.max(1, rect.height * scale),
      ] as const;
    const paintPicture = () => {
      const pen = penFor(picture, WIDTH, HEIGHT);
      if (!pen) return;
      const paint = palette();
      pen.globalAlpha = 0.4;
      for (const note of scene.notes) {
        pen.fillStyle = paint(roleOf(note.colour));
        pen.fillRect(...place(note));
      }
      pen.globalAlpha = 1;
      for (const card of scene.graph.cards) {
        const status = lights.card(card.id)?.status;
        pen.fillStyle = paint(status ? stateRole(status) : 'control');
        pen.fillRect(...place(card));
      }
    };
    const paint = () => {
      frame = 0;
      if (isPictureOld) paintPicture();
      isPictureOld = false;
      const { transform, width, height } = store.getState();
      const pen = canvas.current && penFor(canvas.current, WIDTH, HEIGHT);
      if (!pen) return;
      pen.drawImage(picture, 0, 0, WIDTH, HEIGHT);
      const [x, y, zoom] = transform;
      pen.strokeStyle = palette()('accent');
      pen.lineWidth = 1.5;
      pen.strokeRect(...place(sight({ x, y, zoom }, width, height)));
    };
    const soon = () => {
      frame ||= requestAnimationFrame(paint);
    };
    paint();
    let last = store.getState().transform;
    const stopStore = store.subscribe((state) => {
      if (state.transform !== last) soon();
      last = state.transform;
    });
    const stopLights = lights.subscribeAll(() => {
      isPictureOld = true;
      soon();
    });
    return () => {
      cancelAnimationFrame(frame);
      stopStore();
      stopLights();
    };
  }, [store, scene, lights, bounds, theme]);
  const go = (event: PointerEvent<HTMLCanvasElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const { area, scale } = shown.current;
    void flow.setCenter(area.x + (event.clientX - box.left) / scale, area.y + (event.clientY - box.top) / scale, {
      zoom: flow.getZoom(),
    });
  };
  return (
    <canvas
      ref={canvas}
      aria-hidden
      style={{ width: WIDTH, height: HEIGHT }}
      className="hidden cursor-pointer touch-none rounded-control border border-line bg-surface/90 md:block"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={(event) => event.buttons > 0 && go(event)}
    />
  );
}
