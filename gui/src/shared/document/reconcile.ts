//! The smallest edit that makes a place of a document hold a value, so that what others edit there at the same time survives.
//! node/documents/src/reconcile.rs and text.rs are the node's half of the same rules.
import { deleteAt, getConflicts, insertAt, splice, updateText } from '@automerge/automerge/slim';
import { splices, type TextChange } from './text-change';
import { hunks } from './text-diff';
import type { DocPlace, PresetDoc } from './types';
import { ABSENT, copied, isMap, same, valueAt, written } from './values';

/** The most letters, old and new together, that are compared letter by letter: it may take the square of that. */
const COMPARE_LETTERS_MAX = 4_000;
/** The most that this comparison may cost: those letters times the length of the text. */
const COMPARE_WORK_MAX = 40_000_000;

type Holder = Record<string | number, unknown>;

/** Makes a place hold a JSON value. Which kind of text a text becomes is decided by what is there and by its length. */
export function put(doc: PresetDoc, place: DocPlace, value: unknown): void {
  const old = valueAt(doc, place);
  const wanted = written(value, old === ABSENT ? undefined : old);
  // Two values were set at once and one won. Saying what should be here settles that for good, so it is written anew.
  const holder = valueAt(doc, place.slice(0, -1)) as Holder;
  const key = place.at(-1);
  if (old !== ABSENT && key !== undefined && getConflicts(holder, key)) holder[key] = copied(wanted);
  else reconcile(doc, place, wanted);
}

/**
 * Makes a place hold a value that has its kinds of text already. What holds the place must be there. Who knows what the place holds now
 * says so; a value that is put there whole is then not read again, which is slow inside a change.
 */
export function reconcile(doc: PresetDoc, place: DocPlace, value: unknown, known?: unknown): void {
  const holder = valueAt(doc, place.slice(0, -1));
  const key = place.at(-1);
  if (key === undefined || typeof holder !== 'object' || holder === null) return;
  if (known !== undefined && isReplacedWhole(place)) {
    if (!same(known, value)) (holder as Holder)[key] = copied(value);
    return;
  }
  const old = valueAt(doc, place);
  if (typeof value === 'string' && typeof old === 'string') changeText(doc, place, old, value);
  else if (Array.isArray(value) && Array.isArray(old)) reconcileList(doc, place, old, value);
  else if (isMap(value) && isMap(old) && !isReplacedWhole(place)) reconcileMap(doc, place, old, value);
  else if (!same(old, value)) (holder as Holder)[key] = copied(value);
}

/** A position is one value: merged key by key, two moves would mix. */
const isReplacedWhole = (place: DocPlace): boolean => place.length === 3 && place[2] === 'position';

function reconcileMap(doc: PresetDoc, place: DocPlace, old: Holder, value: Holder): void {
  for (const name of Object.keys(old)) if (!(name in value)) delete old[name];
  for (const [name, inner] of Object.entries(value)) reconcile(doc, [...place, name], inner);
}

function reconcileList(doc: PresetDoc, place: DocPlace, old: unknown[], value: readonly unknown[]): void {
  const shorter = Math.min(old.length, value.length);
  let head = 0;
  while (head < shorter && same(old[head], value[head])) head += 1;
  let tail = 0;
  while (tail < shorter - head && same(old[old.length - 1 - tail], value[value.length - 1 - tail])) tail += 1;
  const [oldEnd, newEnd] = [old.length - tail, value.length - tail];
  const paired = Math.min(oldEnd, newEnd);
  for (let index = head; index < paired; index += 1) reconcile(doc, [...place, index], value[index]);
  if (oldEnd > paired) deleteAt(old, paired, oldEnd - paired);
  if (newEnd > paired) insertAt(old, paired, ...value.slice(paired, newEnd).map(copied));
}

/** Changes a text where it differs. */
export function changeText(doc: PresetDoc, place: DocPlace, old: string, text: string): void {
  const found = hunks(old, text);
  const letters = found.reduce((sum, { from, to, put }) => sum + to - from + put.length, 0);
  const isReplaced = found.some(({ from, to, put }) => to > from && put !== '');
  const isShort = letters <= COMPARE_LETTERS_MAX && letters * old.length <= COMPARE_WORK_MAX;
  if (isReplaced && isShort) updateText(doc, [...place], text);
  // From the end, so that places further on are still where they were.
  else for (const { from, to, put } of found.reverse()) splice(doc, [...place], from, to - from, put);
}

/** Carries a change of a text out. */
export function applyTextChange(doc: PresetDoc, place: DocPlace, change: TextChange): void {
  for (const { at, drop, put } of splices(change)) splice(doc, [...place], at, drop, put);
}
