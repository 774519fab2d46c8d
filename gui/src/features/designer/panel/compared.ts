//! What the versions panel holds against each other; the canvas draws it over the workflow.
import type { Preset } from '@/shared/api/types';
import type { PresetEditor } from '@/shared/document/types';
import { Store } from '@/shared/graph/keyed-store';
import type { PresetDiff } from '@/shared/graph/preset-diff';

export type Compared = {
  readonly before: Preset;
  readonly after: Preset;
  /** From `before` to `after`. What was removed is only in `before`. */
  readonly diff: PresetDiff;
  /** Whether `after` is the draft as it is now: only then it is what the canvas shows. */
  readonly isDraft: boolean;
};

const stores = new WeakMap<PresetEditor, Store<Compared | undefined>>();

/** The comparison of one open workflow; undefined while nothing is compared. */
export function comparedOf(editor: PresetEditor): Store<Compared | undefined> {
  let store = stores.get(editor);
  if (!store) {
    store = new Store<Compared | undefined>(undefined);
    stores.set(editor, store);
  }
  return store;
}
