//! A card of the document, step or trigger alike, and the edits of its form.
import { deleteAt, insertAt } from '@automerge/automerge/slim';
import type { Step, Trigger } from '@/shared/api/types';
import { spliced, type TextBinding } from '@/shared/code/binding';
import { textAt as sharedText } from '@/shared/document/code-text';
import { setConfig } from '@/shared/document/edits/config';
import { cardPlace, together } from '@/shared/document/edits/entries';
import type { DocPlace, DrawnPreset, Edit, PresetEditor } from '@/shared/document/types';
import { copied, placeKey, valueAt, written } from '@/shared/document/values';
import { asText } from '@/shared/format/json';
import type { PlainKey } from '@/shared/i18n/messages';

export type CardKind = 'steps' | 'triggers';
export type Card = { readonly id: string; readonly of: CardKind; readonly card: Step | Trigger };

/** The card with an id; undefined when it is gone. */
export function cardOf(preset: DrawnPreset, id: string): Card | undefined {
  const of = cardPlace(preset, id)?.[0] as CardKind | undefined;
  const card = of && preset[of]?.[id];
  return card ? { id, of, card } : undefined;
}

export const stepOf = (card: Card): Step | undefined => (card.of === 'steps' ? (card.card as Step) : undefined);

/** What stands at a place of the present, as JSON. */
export function presentAt(preset: DrawnPreset, place: DocPlace): unknown {
  let at: unknown = preset;
  for (const key of place) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

/** Moves an element of a list. It is taken out and put in again: an element of a document has one place. */
export const moveElement =
  (place: DocPlace, from: number, to: number): Edit =>
  (doc) => {
    const list = valueAt(doc, place);
    if (!Array.isArray(list) || from >= list.length || to >= list.length) return;
    const element = copied(list[from]);
    deleteAt(list, from);
    insertAt(list, to, element);
  };

/** Gives an entry of a map another name. */
export const renameEntry = (place: DocPlace, from: string, to: string, value: unknown): Edit =>
  together(setConfig([...place, to], value), setConfig([...place, from], undefined));

/** Settles a place on one of the values that were chosen for it at once: written anew even where it is the one that shows. */
export const settle =
  (place: DocPlace, value: unknown): Edit =>
  (doc) => {
    const holder = valueAt(doc, place.slice(0, -1));
    const key = place.at(-1);
    if (typeof holder === 'object' && holder !== null && key !== undefined)
      (holder as Record<string | number, unknown>)[key] = written(value);
  };

/**
 * The text at a place of a document, for an editor. Splices go in as splices, so that others may write in the same text; where the
 * place holds a number or a list, the first letter makes it a text.
 */
export function textAt(editor: PresetEditor, place: DocPlace, label: PlainKey): TextBinding {
  const shared = sharedText(editor, place, label);
  const present = () => presentAt(editor.snapshot().preset, place);
  return {
    read: () => asText(present()),
    splice: (at, deleted, inserted) => {
      const now = present();
      if (now === undefined || now === null || typeof now === 'string') shared.splice(at, deleted, inserted);
      else editor.apply(label, setConfig(place, spliced(asText(now), { at, deleted, inserted })), placeKey(place));
    },
    subscribe: (listener) => editor.subscribe(listener),
  };
}
