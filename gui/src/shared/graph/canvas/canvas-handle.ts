//! What the designer may ask of the canvas: where to look, what to focus.
import { useReactFlow, useStoreApi } from '@xyflow/react';
import { type Ref, type RefObject, useImperativeHandle } from 'react';
import { boundsOf, viewportOf } from '../bounds';
import type { Store } from '../keyed-store';
import type { Point, Rect } from '../model';
import { rectsOf, type Scene } from '../scene';

export type CanvasHandle = {
  /** Brings a thing into sight and gives it the focus; without one, the canvas keeps it. */
  focus(id?: string): void;
  /** Brings things into sight when they are not, and near enough to be read unless `keepZoom`. */
  reveal(ids: Iterable<string>, keepZoom?: boolean): void;
  /** The middle of what is in sight. */
  middle(): Point;
  /** Where a thing is on the screen: its right upper corner, or the middle of the canvas. */
  clientOf(id: string | undefined): Point;
  /** The place of the workflow that lies under a point of the screen. */
  placeOf(client: Point): Point;
  /** The first element of the canvas, to know whether the focus is in it. */
  element(): HTMLElement | null;
  zoom(how: 'in' | 'out' | 'whole'): void;
  fit(what: 'all' | 'selection'): void;
  /** Gives up a wire that was begun by a click. */
  cancel(): boolean;
};

type HandleParts = {
  readonly ref: Ref<CanvasHandle>;
  readonly box: RefObject<HTMLDivElement | null>;
  readonly scene: Scene;
  readonly selection: Pick<Store<ReadonlySet<string>>, 'get'>;
  readonly stop: Store<string | undefined>;
};

const PAD = 48;
/** The corner at the lower right where the map and the zoom lie over the canvas. */
const CORNER = { width: 192, height: 168 };
/** How many frames a card may take to be mounted after it came into sight; a panel that comes up with it takes many. */
const FRAMES_MAX = 60;

const still = typeof matchMedia === 'undefined' ? undefined : matchMedia('(prefers-reduced-motion: reduce)');
const duration = (): number => (still?.matches ? 0 : 120);

export function useHandle({ ref, box, scene, selection, stop }: HandleParts): void {
  const flow = useReactFlow();
  const store = useStoreApi();
  useImperativeHandle(ref, (): CanvasHandle => {
    const reveal = (ids: Iterable<string>, keepZoom = false): void => {
      const rects = rectsOf(scene);
      const wanted = [...ids].flatMap((id): Rect[] => {
        const rect = rects.get(id);
        return rect ? [rect] : [];
      });
      if (wanted.length === 0) return;
      const { transform, width, height } = store.getState();
      const [x, y, zoom] = transform;
      const bounds = boundsOf(wanted);
      const [left, top] = [bounds.x * zoom + x, bounds.y * zoom + y];
      const size = { width: bounds.width * zoom, height: bounds.height * zoom };
      /** How far a card at a place reaches up under the map. */
      const under = (atLeft: number, atTop: number): number =>
        atLeft + size.width > width - CORNER.width ? Math.max(0, atTop + size.height - (height - CORNER.height)) : 0;
      const isInSight =
        under(left, top) === 0 &&
        left >= PAD &&
        top >= PAD &&
        left + size.width <= width - PAD &&
        top + size.height <= height - PAD;
      const isSmall = zoom < 0.4 && !keepZoom;
      if (isInSight && !isSmall) return;
      const isLarge = size.width > width - 2 * PAD || size.height > height - 2 * PAD;
      if (isLarge && wanted.length > 1) {
        void flow.setViewport(viewportOf(wanted, { width, height }, undefined, 0), { duration: duration() });
      } else if (isSmall) {
        void flow.setCenter(bounds.x + bounds.width / 2, bounds.y + bounds.height / 2, { zoom: 0.8 });
      } else {
        // No further than it must: what somebody looks at stays where it is.
        const shift = (start: number, length: number, room: number) =>
          Math.max(0, PAD - start) + Math.min(0, room - PAD - start - length);
        const across = shift(left, size.width, width);
        const down = shift(top, size.height, height);
        const up = under(left + across, top + down);
        void flow.setViewport({ x: x + across, y: y + down - up, zoom }, { duration: duration() });
      }
    };
    const focusSoon = (id: string, frames: number): void => {
      const card = box.current?.querySelector<HTMLElement>(`[data-card="${CSS.escape(id)}"]`);
      // Whoever went elsewhere meanwhile stays there.
      const isMine = box.current?.contains(document.activeElement) || document.activeElement === document.body;
      if (!isMine) return;
      if (card) card.focus({ preventScroll: true });
      else if (frames > 0) requestAnimationFrame(() => focusSoon(id, frames - 1));
    };
    return {
      focus: (id) => {
        box.current?.focus({ preventScroll: true });
        if (id === undefined) return;
        stop.set(id);
        reveal([id]);
        focusSoon(id, FRAMES_MAX);
      },
      reveal,
      middle: () => {
        const { transform, width, height } = store.getState();
        const [x, y, zoom] = transform;
        return { x: (width / 2 - x) / zoom, y: (height / 2 - y) / zoom };
      },
      clientOf: (id) => {
        const { transform, width, height, domNode } = store.getState();
        const [x, y, zoom] = transform;
        const at = domNode?.getBoundingClientRect() ?? { left: 0, top: 0 };
        const rect = id === undefined ? undefined : rectsOf(scene).get(id);
        if (!rect) return { x: at.left + width / 2, y: at.top + height / 3 };
        return {
          x: at.left + Math.min(width - PAD, Math.max(PAD, (rect.x + rect.width) * zoom + x)),
          y: at.top + Math.min(height - PAD, Math.max(PAD, rect.y * zoom + y)),
        };
      },
      placeOf: (client) => flow.screenToFlowPosition({ ...client }, { snapToGrid: false }),
      element: () => box.current,
      zoom: (how) => {
        if (how === 'whole') void flow.zoomTo(1);
        else void (how === 'in' ? flow.zoomIn() : flow.zoomOut());
      },
      fit: (what) => {
        const { width, height } = store.getState();
        const rects = rectsOf(scene);
        const some = what === 'selection' ? [...selection.get()].flatMap((id) => rects.get(id) ?? []) : [];
        void flow.setViewport(
          viewportOf(some.length > 0 ? some : [...rects.values()], { width, height }, undefined, 0),
        );
      },
      cancel: () => {
        if (!store.getState().connectionClickStartHandle) return false;
        store.setState({ connectionClickStartHandle: null });
        return true;
      },
    };
  }, [flow, store, box, scene, selection, stop]);
}
