//! One text of a document under a text editor: local splices go in, splices of others come out. It knows no text editor.
import type { PlainKey } from '../i18n/messages';
import { setText } from './edits/config';
import { applyTextChange } from './reconcile';
import { splice as spliceOf, splices, type TextChange } from './text-change';
import type { DocPlace, PresetEditor } from './types';
import { placeKey, valueAt } from './values';

export type Splice = { readonly at: number; readonly drop: number; readonly put: string };

export interface SharedText {
  /** The text now. */
  get(): string;
  canEdit(): boolean;
  /** A local change: at `at`, `drop` letters go and `put` comes. Changes within a second are one step of undo. */
  splice(at: number, drop: number, put: string): void;
  /** Several splices as one change, each in the text that the one before left. */
  change(splices: readonly Splice[]): void;
  /**
   * Hears changes that did not come through this object (others, undo, another view of the same text), as splices to be carried out in
   * order. After them the text is `get()`.
   */
  subscribe(listener: (splices: readonly Splice[]) => void): () => void;
}

/** The text at a place of a document. A text that is chosen as a whole becomes one that merges with the first splice. */
export function textAt(editor: PresetEditor, place: DocPlace, label: PlainKey = 'document.typing'): SharedText {
  const merge = `text ${placeKey(place)}`;
  let isLocal = false;
  const change = (parts: readonly Splice[]): void => {
    if (parts.length === 0) return;
    isLocal = true;
    try {
      editor.apply(
        label,
        (doc) => {
          if (typeof valueAt(doc, place) !== 'string') setText(place, editor.text(place))(doc);
          for (const { at, drop, put } of parts) applyTextChange(doc, place, spliceOf(at, drop, put));
        },
        merge,
      );
    } finally {
      isLocal = false;
    }
  };
  return {
    get: () => editor.text(place),
    canEdit: () => editor.canEdit(),
    splice: (at, drop, put) => change([{ at, drop, put }]),
    change,
    subscribe: (listener) =>
      editor.onText(place, (told: TextChange) => {
        if (!isLocal) listener(splices(told));
      }),
  };
}
