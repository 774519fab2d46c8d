//! Sticky notes and frames around steps.
import { groupDoc, noteDoc } from '../form';
import type { Edit, Place } from '../types';
import { chosen } from '../values';
import { setText } from './config';
import { add, entriesOf, entryOf, remove } from './entries';

export type Size = { readonly width: number; readonly height: number };
export const NOTE_SIZE: Size = { width: 240, height: 160 };

export const addNote =
  (id: string, place: Place, text = '', size: Size = NOTE_SIZE, colour?: string): Edit =>
  (doc) =>
    add(doc, 'notes', id, noteDoc({ text, position: place, ...size, ...(colour ? { colour } : {}) }));

/** A note is resized from any corner, so it may move as well. */
export const resizeNote =
  (id: string, place: Place, size: Size): Edit =>
  (doc) => {
    const note = entryOf(doc, 'notes', id);
    if (!note) return;
    if (note.width !== size.width) note.width = size.width;
    if (note.height !== size.height) note.height = size.height;
    const old = note.position as Place | undefined;
    if (old?.x !== place.x || old?.y !== place.y) note.position = { x: place.x, y: place.y };
  };

export const setNoteText = (id: string, text: string): Edit => setText(['notes', id, 'text'], text);

/** The colour of a note or a frame; none gives it the plain one. */
export const setColour =
  (of: 'notes' | 'groups', id: string, colour: string | undefined): Edit =>
  (doc) => {
    const entry = entryOf(doc, of, id);
    if (!entry) return;
    if (colour) entry.colour = chosen(colour);
    else delete entry.colour;
  };

/** Puts a frame around steps. A step is in one frame at most: it leaves the one that it was in. */
export const group =
  (id: string, steps: Iterable<string>, title = '', colour?: string): Edit =>
  (doc) => {
    const inside = [...steps];
    leaveGroups(doc, inside);
    add(doc, 'groups', id, groupDoc({ title, steps: inside, ...(colour ? { colour } : {}) }));
  };

/** Takes frames away; what was inside stays. */
export const ungroup =
  (ids: Iterable<string>): Edit =>
  (doc) => {
    for (const id of ids) remove(doc, 'groups', id);
  };

/** Puts steps into a frame that is there, or out of every frame. */
export const moveToGroup =
  (id: string | undefined, steps: Iterable<string>): Edit =>
  (doc) => {
    const moved = [...steps];
    leaveGroups(doc, moved, id);
    const inside =
      id === undefined ? undefined : (entryOf(doc, 'groups', id)?.steps as Record<string, boolean> | undefined);
    for (const step of moved) if (inside && inside[step] !== true) inside[step] = true;
  };

export const setGroupTitle = (id: string, title: string): Edit => setText(['groups', id, 'title'], title);

function leaveGroups(doc: Parameters<Edit>[0], steps: readonly string[], except?: string): void {
  for (const id of Object.keys(entriesOf(doc, 'groups'))) {
    if (id === except) continue;
    const inside = entryOf(doc, 'groups', id)?.steps as Record<string, boolean> | undefined;
    for (const step of steps) if (inside && step in inside) delete inside[step];
  }
}
