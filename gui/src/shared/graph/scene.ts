//! Everything that a designer draws: cards and wires, frames around steps, notes. Made from snapshots of the document, with
//! what did not change staying the same object, so that drawing it again costs what changed.
import type { DrawnPreset } from '../document/types';
import { boundsOf } from './bounds';
import { frameOf } from './grid';
import { tidy } from './layout';
import { CARD_WIDTH, type Card, type Graph, graphOf, type Manifests, type Point, type Rect, type Wire } from './model';

export const COLOURS = ['plain', 'accent', 'ok', 'wait', 'fail', 'pin', 'remote'] as const;
export type Colour = (typeof COLOURS)[number];
export const colourOf = (text: string | undefined): Colour => COLOURS.find((it) => it === text) ?? 'plain';

export type Note = Rect & { readonly id: string; readonly text: string; readonly colour: Colour };
export type Group = {
  readonly id: string;
  readonly title: string;
  readonly steps: readonly string[];
  readonly colour: Colour;
};
export type Scene = {
  readonly graph: Graph;
  readonly notes: readonly Note[];
  readonly groups: readonly Group[];
  /** The cards that have no place in the document: they are drawn where they were laid out, until somebody moves something. */
  readonly unplaced: ReadonlySet<string>;
};

export const EMPTY_SCENE: Scene = { graph: { cards: [], wires: [] }, notes: [], groups: [], unplaced: new Set() };

const isSame = (one: unknown, other: unknown): boolean =>
  one === other ||
  (Array.isArray(one) &&
    Array.isArray(other) &&
    one.length === other.length &&
    one.every((value, at) => value === other[at])) ||
  (one instanceof Object &&
    other instanceof Object &&
    !Array.isArray(one) &&
    Object.keys(one).length === Object.keys(other).length &&
    Object.entries(one).every(([key, value]) => isSame(value, (other as Record<string, unknown>)[key])));

/** `next` with the objects of `before` wherever they say the same; `before` itself when all do. */
export function reuse<T extends { readonly id: string }>(before: readonly T[], next: readonly T[]): readonly T[] {
  const known = new Map(before.map((it) => [it.id, it]));
  const mixed = next.map((it) => {
    const old = known.get(it.id);
    return old && isSame(old, it) ? old : it;
  });
  return mixed.length === before.length && mixed.every((it, at) => it === before[at]) ? before : mixed;
}

/** Gives the cards without a place one: laid out by the wires, below what has a place. */
function place(graph: Graph, unplaced: ReadonlySet<string>): Graph {
  if (unplaced.size === 0) return graph;
  const loose = graph.cards.filter((card) => unplaced.has(card.id));
  const laid = tidy({
    cards: loose,
    wires: graph.wires.filter((wire) => unplaced.has(wire.from.step) && unplaced.has(wire.to.step)),
  });
  const fixed = boundsOf(graph.cards.filter((card) => !unplaced.has(card.id)));
  const down = unplaced.size === graph.cards.length ? 0 : fixed.y + fixed.height + 64;
  const places = new Map(laid.cards.map((card) => [card.id, { x: card.x + fixed.x, y: card.y + down }]));
  return { ...graph, cards: graph.cards.map((card) => ({ ...card, ...places.get(card.id) })) };
}

/** What is drawn of a preset. */
export function sceneOf(preset: DrawnPreset, manifests: Manifests, before: Scene = EMPTY_SCENE): Scene {
  const unplaced = new Set(
    [...Object.entries(preset.triggers ?? {}), ...Object.entries(preset.steps ?? {})]
      .filter(([, of]) => !of.position)
      .map(([id]) => id),
  );
  const raw = place(graphOf(preset, manifests), unplaced);
  const cards = reuse<Card>(before.graph.cards, raw.cards);
  const wires = reuse<Wire>(before.graph.wires, raw.wires);
  const graph = cards === before.graph.cards && wires === before.graph.wires ? before.graph : { cards, wires };
  const notes = reuse(
    before.notes,
    Object.entries(preset.notes ?? {}).map(([id, { text, position, width, height, colour }]) => ({
      id,
      text,
      ...position,
      width,
      height,
      colour: colourOf(colour),
    })),
  );
  const groups = reuse(
    before.groups,
    Object.entries(preset.groups ?? {}).map(([id, { title, steps, colour }]) => ({
      id,
      title,
      steps,
      colour: colourOf(colour),
    })),
  );
  const isSameScene =
    graph === before.graph &&
    notes === before.notes &&
    groups === before.groups &&
    unplaced.size === before.unplaced.size &&
    [...unplaced].every((id) => before.unplaced.has(id));
  return isSameScene ? before : { graph, notes, groups, unplaced };
}

/** The frame of each group, with `moved` places in mind. Groups whose steps are all gone have none. */
export function framesOf(scene: Scene, moved?: ReadonlyMap<string, Point>): ReadonlyMap<string, Rect> {
  if (scene.groups.length === 0) return new Map();
  const cards = new Map(scene.graph.cards.map((card) => [card.id, card]));
  const frames = new Map<string, Rect>();
  for (const group of scene.groups) {
    const inside = group.steps.flatMap((step) => {
      const card = cards.get(step);
      return card ? [{ ...card, ...moved?.get(step) }] : [];
    });
    const frame = frameOf(inside);
    if (frame) frames.set(group.id, frame);
  }
  return frames;
}

/** Where everything is, by id: cards, notes and frames. */
export function rectsOf(scene: Scene): ReadonlyMap<string, Rect> {
  return new Map<string, Rect>([
    ...framesOf(scene),
    ...scene.notes.map((note) => [note.id, note] as const),
    ...scene.graph.cards.map((card) => [card.id, card] as const),
  ]);
}

/** The size of a note that somebody puts down. */
export const NOTE_SIZE = { width: CARD_WIDTH, height: 128 };
