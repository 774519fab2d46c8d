//! The picture drawn small on a 2D canvas: the overview of far zooms and the minimap.
import { colour } from '../../theme/theme';
import { stateRole } from '../../ui/status';
import { meet, type Viewport } from '../bounds';
import type { LightStore } from '../card-states';
import { type Card, type Point, portOffset, type Rect } from '../model';
import { type Colour, framesOf, type Scene } from '../scene';
import { cubicsOf, WIRE_MARGIN, wireCurve } from '../wire-path';

/** The colour roles as they are now; reading them once per drawing is enough. */
export function palette() {
  const read = new Map<string, string>();
  return (role: string): string => {
    const known = read.get(role);
    if (known !== undefined) return known;
    const value = colour(role);
    read.set(role, value);
    return value;
  };
}

type Paint = ReturnType<typeof palette>;

export const roleOf = (tint: Colour): string => (tint === 'plain' ? 'control' : tint);

export type Look = {
  readonly scene: Scene;
  readonly lights: LightStore;
  readonly selection: ReadonlySet<string>;
};

/** What lies in sight, in the scene's own measure. */
export const sight = ({ x, y, zoom }: Viewport, width: number, height: number): Rect => ({
  x: -x / zoom,
  y: -y / zoom,
  width: width / zoom,
  height: height / zoom,
});

const cardsById = new WeakMap<readonly Card[], ReadonlyMap<string, Card>>();

/** Cards by id; made once for each list. */
export function byId(cards: readonly Card[]): ReadonlyMap<string, Card> {
  const known = cardsById.get(cards);
  if (known) return known;
  const made = new Map(cards.map((card) => [card.id, card]));
  cardsById.set(cards, made);
  return made;
}

function frames(pen: CanvasRenderingContext2D, { scene }: Look, paint: Paint, seen: Rect): void {
  const rects = framesOf(scene);
  for (const group of scene.groups) {
    const rect = rects.get(group.id);
    if (!rect || !meet(rect, seen)) continue;
    pen.fillStyle = paint(roleOf(group.colour));
    pen.globalAlpha = 0.1;
    pen.fillRect(rect.x, rect.y, rect.width, rect.height);
    pen.globalAlpha = 0.5;
    pen.strokeStyle = pen.fillStyle;
    pen.strokeRect(rect.x, rect.y, rect.width, rect.height);
    pen.globalAlpha = 1;
  }
}

const port = (card: Card, side: 'in' | 'out', name: string): Point => {
  const { x, y } = portOffset(card, side, name);
  return { x: card.x + x, y: card.y + y };
};

function wires(pen: CanvasRenderingContext2D, { scene, lights }: Look, paint: Paint, seen: Rect): void {
  const cards = byId(scene.graph.cards);
  // One path for each colour: strokes are what costs.
  const paths = new Map<string, Path2D>();
  for (const wire of scene.graph.wires) {
    const [from, to] = [cards.get(wire.from.step), cards.get(wire.to.step)];
    if (!from || !to) continue;
    const [start, end] = [port(from, 'out', wire.from.port), port(to, 'in', wire.to.port)];
    const box = {
      x: Math.min(start.x, end.x) - WIRE_MARGIN.side,
      y: Math.min(start.y, end.y) - 1,
      width: Math.abs(end.x - start.x) + 2 * WIRE_MARGIN.side,
      height: Math.abs(end.y - start.y) + WIRE_MARGIN.below + 2,
    };
    if (!meet(box, seen)) continue;
    const kind = lights.wire(wire.id)?.kind;
    const role = kind === 'carried' ? 'ok' : kind === 'active' ? 'accent' : kind === 'error' ? 'fail' : 'control';
    const path = paths.get(role) ?? new Path2D();
    paths.set(role, path);
    path.moveTo(start.x, start.y);
    for (const [, b, c, d] of cubicsOf(wireCurve(start, end))) path.bezierCurveTo(b.x, b.y, c.x, c.y, d.x, d.y);
  }
  for (const [role, path] of paths) {
    pen.strokeStyle = paint(role);
    pen.stroke(path);
  }
}

/** Names are written from this size on; below nobody could read them. */
const READABLE_PX = 7;

function cards(
  pen: CanvasRenderingContext2D,
  { scene, lights, selection }: Look,
  paint: Paint,
  seen: Rect,
  zoom: number,
) {
  const isReadable = 26 * zoom >= READABLE_PX;
  pen.font = `600 26px ${getComputedStyle(document.body).fontFamily}`;
  pen.textBaseline = 'middle';
  for (const card of scene.graph.cards) {
    if (!meet(card, seen)) continue;
    const state = lights.card(card.id);
    const role = state && !state.isOld ? stateRole(state.status) : 'control';
    const isSelected = selection.has(card.id);
    pen.fillStyle = paint(isSelected ? 'raised' : 'surface');
    pen.fillRect(card.x, card.y, card.width, card.height);
    pen.strokeStyle = paint(isSelected ? 'accent' : role === 'muted' ? 'control' : role);
    pen.lineWidth = (isSelected ? 3 : 1.5) / zoom;
    pen.strokeRect(card.x, card.y, card.width, card.height);
    if (state && !state.isOld) {
      pen.fillStyle = paint(role);
      pen.fillRect(card.x, card.y, 12, card.height);
    }
    if (isReadable) {
      pen.fillStyle = paint(card.isDisabled ? 'muted' : 'text');
      pen.fillText(short(pen, card.name, card.width - 32), card.x + 22, card.y + card.height / 2);
    }
  }
}

const cut = new Map<string, string>();

/** A name cut to the width of a card. Measuring is slow; names are measured once. */
function short(pen: CanvasRenderingContext2D, text: string, width: number): string {
  const known = cut.get(text);
  if (known !== undefined) return known;
  if (cut.size > 20_000) cut.clear();
  let shown = text;
  while (shown.length > 1 && pen.measureText(shown).width > width) shown = `${shown.slice(0, -2)}…`;
  cut.set(text, shown);
  return shown;
}

/** Draws what is in sight. `pen` is scaled to screen pixels already. */
export function drawScene(
  pen: CanvasRenderingContext2D,
  look: Look,
  viewport: Viewport,
  width: number,
  height: number,
) {
  const paint = palette();
  const seen = sight(viewport, width, height);
  pen.save();
  pen.translate(viewport.x, viewport.y);
  pen.scale(viewport.zoom, viewport.zoom);
  pen.lineWidth = 1.2 / viewport.zoom;
  frames(pen, look, paint, seen);
  for (const note of look.scene.notes) {
    if (!meet(note, seen)) continue;
    pen.globalAlpha = 0.25;
    pen.fillStyle = paint(roleOf(note.colour));
    pen.fillRect(note.x, note.y, note.width, note.height);
    pen.globalAlpha = 1;
  }
  wires(pen, look, paint, seen);
  cards(pen, look, paint, seen, viewport.zoom);
  pen.restore();
}

/** Makes a canvas as sharp as the screen; gives a pen in CSS pixels, or none. */
export function penFor(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | undefined {
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const pen = canvas.getContext('2d') ?? undefined;
  pen?.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen?.clearRect(0, 0, width, height);
  return pen;
}
