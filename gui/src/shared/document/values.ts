//! Values as a document holds them and as people mean them. In a document a JavaScript string is text that merges letter by letter, an
//! `ImmutableString` is a text of which one wins. node/documents/src/form.rs holds the same rules.
import { ImmutableString, isCounter, isImmutableString } from '@automerge/automerge/slim';
import type { DocPlace } from './types';

/** Nothing is at a place; `undefined` cannot be in a document. */
export const ABSENT = Symbol('absent');

/** A config text of more characters than this merges letter by letter. */
const SCALAR_CHARS_MAX = 40;

/** Whether a text of unknown purpose should merge letter by letter. */
export function isProse(text: string): boolean {
  if (text.includes('\n') || text.includes('{{')) return true;
  if (text.length <= SCALAR_CHARS_MAX) return false;
  return text.length > 2 * SCALAR_CHARS_MAX || [...text].length > SCALAR_CHARS_MAX;
}

/** A chosen text: of two that are chosen at once, one wins. */
export const chosen = (text: string): string => new ImmutableString(text) as unknown as string;

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isImmutableString(value) && !isOdd(value);

const isOdd = (value: object): boolean => value instanceof Date || value instanceof Uint8Array || isCounter(value);

const plainOf = new WeakMap<object, unknown>();

/** A value as JSON has it. Objects that did not change give the same answer again. */
export function plain(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value === undefined ? null : value;
  if (!Array.isArray(value) && isImmutableString(value)) return value.toString();
  if (value instanceof Date) return value.getTime();
  if (value instanceof Uint8Array) return null;
  if (isCounter(value)) return value.value;
  const known = plainOf.get(value);
  if (known !== undefined) return known;
  const made = Array.isArray(value)
    ? value.map(plain)
    : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  plainOf.set(value, made);
  return made;
}

/**
 * A JSON value as it should be written where `old` is now. The kind of text that is there is kept while it will do: text stays text, a
 * chosen text becomes one that merges when it is prose.
 */
export function written(value: unknown, old: unknown = undefined): unknown {
  if (typeof value === 'string') {
    if (typeof old === 'string' || isProse(value)) return value;
    return new ImmutableString(value);
  }
  if (value === undefined) return null;
  if (Array.isArray(value)) {
    const olds = Array.isArray(old) ? old : [];
    return value.map((inner, index) => written(inner, olds[index]));
  }
  if (!isMap(value)) return value;
  const olds = isMap(old) ? old : {};
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, written(inner, olds[name])]));
}

// Lists are asked for first everywhere: inside a change, Automerge's lists claim to have every property.

/** Whether two values of documents are the same, kinds of text included. */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((inner, index) => same(inner, other[index]));
  }
  if (isImmutableString(one) || isImmutableString(other))
    return isImmutableString(one) && isImmutableString(other) && one.toString() === other.toString();
  if (isOdd(one) || isOdd(other)) return plain(one) === plain(other);
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  return names.every((name) => name in right && same(left[name], right[name]));
}

/** A copy that can be put into a document: Automerge refuses objects that are part of one already. */
export function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  if (isImmutableString(value)) return new ImmutableString(value.toString());
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copied(inner)]));
}

/** What a document holds at a place. */
export function valueAt(doc: unknown, place: DocPlace): unknown {
  let value: unknown = doc;
  for (const key of place) {
    if (typeof value !== 'object' || value === null) return ABSENT;
    if (!Array.isArray(value) && isImmutableString(value)) return ABSENT;
    const inner: unknown = (value as Record<string | number, unknown>)[key];
    if (inner === undefined || !Object.hasOwn(value, key)) return ABSENT;
    value = inner;
  }
  return value;
}

/** A place as one text, for maps. */
export const placeKey = (place: DocPlace): string => JSON.stringify(place);

/** Whether `place` is `within` or inside of it. */
export const isWithin = (place: DocPlace, within: DocPlace): boolean =>
  place.length >= within.length && within.every((key, index) => key === place[index]);
