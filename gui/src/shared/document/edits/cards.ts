//! Edits of steps and triggers.
import type { Manifest } from '../../api/types';
import { wiresOf } from '../../graph/model';
import { cardDoc, stepDoc } from '../form';
import { put, reconcile } from '../reconcile';
import type { DrawnPreset, Edit, Place } from '../types';
import { chosen, isMap, written } from '../values';
import { add, cardIn, cardPlace, entryOf, remove } from './entries';
import { bridged, connect } from './wires';

export type CardKind = 'step' | 'trigger';
type Config = Readonly<Record<string, unknown>>;

/**
 * Adds a step or a trigger. `id` comes from `freeId`, `name` from `freeName`, `code` from `codeFields`: these are texts from the start,
 * so that two people who begin to write in them at once both keep what they write.
 */
export const addCard =
  (
    kind: CardKind,
    id: string,
    component: string,
    place: Place,
    config: Config = {},
    name?: string,
    code: readonly string[] = [],
  ): Edit =>
  (doc) => {
    const card = { component, config, position: place, ...(name ? { name } : {}) };
    const made = kind === 'step' ? stepDoc(card) : cardDoc(card);
    for (const field of code) made.config[field] = String(config[field] ?? '');
    add(doc, kind === 'step' ? 'steps' : 'triggers', id, made);
  };

/** The fields of a component's config that hold code. */
export function codeFields(manifest: Manifest): string[] {
  const { properties } = manifest.config as { properties?: unknown };
  if (!isMap(properties)) return [];
  return Object.entries(properties).flatMap(([name, field]) =>
    isMap(field) && field.type === 'string' && ('x-language' in field || 'contentMediaType' in field) ? [name] : [],
  );
}

/** Puts cards and notes where they are dropped. */
export const moveCards =
  (places: Readonly<Record<string, Place>>): Edit =>
  (doc) => {
    for (const [id, { x, y }] of Object.entries(places)) {
      const entry = cardIn(doc, id) ?? entryOf(doc, 'notes', id);
      if (entry) entry.position = { x, y };
    }
  };

/**
 * Removes what is selected: cards with their wires, wires, notes, frames. With `heal`, what led into the cards is joined with what
 * came after them.
 */
export function removeCards(preset: DrawnPreset, ids: Iterable<string>, heal = false): Edit {
  const gone = new Set(ids);
  const wires = wiresOf(preset.wires);
  const joins = heal ? bridged(wires, gone) : [];
  return (doc) => {
    for (const of of ['steps', 'triggers', 'notes', 'groups'] as const)
      for (const id of gone) if (preset[of] && Object.hasOwn(preset[of], id)) remove(doc, of, id);
    for (const wire of wires)
      if (gone.has(wire.id) || gone.has(wire.from.step) || gone.has(wire.to.step)) remove(doc, 'wires', wire.id);
    for (const { from, to } of joins) connect(from, to)(doc);
  };
}

/** Makes a card another component. Only what `config` holds stays of its settings; a pinned output goes, its ports may be others. */
export const replaceComponent =
  (id: string, component: string, config: Config = {}): Edit =>
  (doc) => {
    const card = cardIn(doc, id);
    if (!card) return;
    card.component = chosen(component);
    const of = entryOf(doc, 'steps', id) === card ? 'steps' : 'triggers';
    reconcile(doc, [of, id, 'config'], written(config, card.config));
    for (const name of ['version', 'pin']) if (name in card) delete card[name];
  };

/** Turns cards off or on. */
export const setDisabled =
  (ids: Iterable<string>, isDisabled: boolean): Edit =>
  (doc) => {
    for (const id of ids) {
      const card = cardIn(doc, id);
      if (!card) continue;
      if (isDisabled) card.disabled = true;
      else delete card.disabled;
    }
  };

/** Gives a card a name, also where other steps name it: `$('Old name')`. An empty name leaves it with its id. */
export function renameCard(preset: DrawnPreset, id: string, name: string): Edit {
  const place = cardPlace(preset, id);
  const wanted = name.trim();
  const [old, now] = [nameOf(preset, id), wanted || id];
  const texts = old === now || isShared(preset, id, old) ? [] : mentions(preset, old, now);
  return (doc) => {
    const card = place && entryOf(doc, place[0] as 'steps' | 'triggers', id);
    if (!card) return;
    if (wanted === '') delete card.name;
    else card.name = chosen(wanted);
    for (const text of texts) put(doc, text.place, text.value);
  };
}

/** What people call a card. */
export const nameOf = (preset: DrawnPreset, id: string): string =>
  preset.steps?.[id]?.name || preset.triggers?.[id]?.name || id;

/** Whether another card answers to the same name, so that nobody can say which one is meant. */
const isShared = (preset: DrawnPreset, id: string, name: string): boolean =>
  [...Object.keys(preset.steps ?? {}), ...Object.keys(preset.triggers ?? {})].some(
    (other) => other !== id && nameOf(preset, other) === name,
  );

type Text = { readonly place: (string | number)[]; readonly value: string };

/** The texts of all configs that name a card, with its new name. */
function mentions(preset: DrawnPreset, old: string, now: string): Text[] {
  const found: Text[] = [];
  const look = (value: unknown, place: (string | number)[]): void => {
    if (typeof value === 'string') {
      const renamed = renamedIn(value, (name) => (name === old ? now : undefined));
      if (renamed !== value) found.push({ place, value: renamed });
    } else if (Array.isArray(value)) for (const [index, inner] of value.entries()) look(inner, [...place, index]);
    else if (value && typeof value === 'object')
      for (const [name, inner] of Object.entries(value)) look(inner, [...place, name]);
  };
  for (const of of ['steps', 'triggers'] as const)
    for (const [id, card] of Object.entries(preset[of] ?? {})) look(card.config, [of, id, 'config']);
  return found;
}

const MENTION = /\$\(\s*(['"`])((?:\\.|(?!\1).)*)\1(?=\s*[,)])/g;

/** A text in which the names in `$('…')` are given anew; `undefined` leaves a name. */
export function renamedIn(text: string, name: (old: string) => string | undefined): string {
  if (!text.includes('$(')) return text;
  return text.replace(MENTION, (whole, quote: string, inner: string) => {
    const now = name(inner.replace(/\\(.)/g, '$1'));
    if (now === undefined) return whole;
    return `$(${quote}${now.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)}${quote}`;
  });
}
