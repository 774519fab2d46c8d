//! The maps for notes and frames, in documents that were made before there were any.
import { applyChanges } from '@automerge/automerge/slim';
import type { DocHandle } from '@automerge/automerge-repo/slim';
import type { PresetDoc } from './types';
import { isMap } from './values';

/**
 * The change that makes both maps, as bytes: two people who put their first notes at the same time both carry out this very change, which
 * is one to Automerge. Had each made a map of their own, one map would win and the other's note would be lost. (Made once by an actor of
 * its own at time 0: `doc.notes = {}; doc.groups = {}`.)
 */
const MAKE_PARTS = 'hW9Kg8r2PzoBNwAQ8Q/xD/EP8Q/xD/EP8Q/xDwEBAAAABRUONAFCAlYCcAJ+BW5vdGVzBmdyb3VwcwICAAIAAgA=';

export function ensureParts(handle: DocHandle<PresetDoc>): void {
  const { notes, groups } = handle.doc();
  if (isMap(notes) && isMap(groups)) return;
  const change = Uint8Array.from(atob(MAKE_PARTS), (letter) => letter.charCodeAt(0));
  handle.update((doc) => applyChanges(doc, [change])[0]);
}
