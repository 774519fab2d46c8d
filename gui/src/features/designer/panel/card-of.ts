//! A card of the document, step or trigger alike, and the edits of its form.
import { deleteAt, insertAt } from '@automerge/automerge/slim';
import type { Step, Trigger } from '@/shared/api/types';
import { type Splice, spliced, type TextBinding } from '@/shared/code/binding';
import { setConfig } from '@/shared/document/edits/config';
import { cardPlace, together } from '@/shared/document/edits/entries';
import type { DocPlace, DrawnPreset, Edit, PresetEditor } from '@/shared/document/types';
import { copied, placeKey, valueAt } from '@/shared/document/values';
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

const asText = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/**
 * The text at a place of a document, for an editor. Where the place holds nothing or another value, the first letter makes it a text.
 * `write` says how the text is kept: config texts choose their kind by what they hold, titles and notes always merge letter by letter.
 */
export function textAt(
  editor: PresetEditor,
  place: DocPlace,
  label: PlainKey,
  write: (place: DocPlace, text: string) => Edit = setConfig,
): TextBinding {
  const read = () => asText(presentAt(editor.snapshot().preset, place));
  return {
    read,
    splice: (at, deleted, inserted) => {
      const splice: Splice = { at, deleted, inserted };
      editor.apply(label, write(place, spliced(read(), splice)), placeKey(place));
    },
    subscribe: (listener) => editor.subscribe(listener),
  };
}
