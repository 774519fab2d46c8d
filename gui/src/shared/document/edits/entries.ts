//! What edits of all kinds share: where an entry is, how it goes and comes back.
import type { DocPlace, DrawnPreset, Edit, PresetDoc, Removable } from '../types';
import { isMap } from '../values';

export const COLLECTIONS = ['steps', 'triggers', 'wires', 'notes', 'groups', 'variables'] as const;
export type Collection = (typeof COLLECTIONS)[number];
type Entry = Removable & Record<string, unknown>;

/** Several edits as one: one change, one step of undo. */
export const together =
  (...edits: readonly Edit[]): Edit =>
  (doc) => {
    for (const edit of edits) edit(doc);
  };

/** The entries of one kind, to be changed. */
export function entriesOf(doc: PresetDoc, of: Collection): Record<string, Entry> {
  const root = doc as unknown as Record<Collection, unknown>;
  if (!isMap(root[of])) root[of] = {};
  return root[of] as Record<string, Entry>;
}

/** An entry that is there, whether marked as removed or not. */
export function entryOf(doc: PresetDoc, of: Collection, id: string): Entry | undefined {
  const entry = entriesOf(doc, of)[id];
  return isMap(entry) ? (entry as Entry) : undefined;
}

/** Marks an entry as removed: an undo brings it back with what others did to it meanwhile. */
export function remove(doc: PresetDoc, of: Collection, id: string): void {
  const entry = entryOf(doc, of, id);
  if (entry && entry.removed !== true) entry.removed = true;
}

/** Makes an entry, or another one in the place of a removed one. */
export function add(doc: PresetDoc, of: Collection, id: string, entry: object): void {
  entriesOf(doc, of)[id] = entry as Entry;
}

/** Where a card is in the document: `['steps', id]` or `['triggers', id]`. */
export function cardPlace(preset: DrawnPreset, id: string): DocPlace | undefined {
  if (preset.steps && Object.hasOwn(preset.steps, id)) return ['steps', id];
  if (preset.triggers && Object.hasOwn(preset.triggers, id)) return ['triggers', id];
  return undefined;
}

/** The card's entry in the document, whichever kind it is. */
export const cardIn = (doc: PresetDoc, id: string): Entry | undefined => {
  const found = [entryOf(doc, 'steps', id), entryOf(doc, 'triggers', id)].filter((it) => it !== undefined);
  return found.find((it) => it.removed !== true) ?? found[0];
};
