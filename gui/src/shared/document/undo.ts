//! Undo and redo of one tab's own edits, while others edit the same document.
//!
//! A step of undo holds, for each value that its edit set, what was there before and after; and for each text, the change that takes it
//! back. A value goes back only where it is still the one that this tab set. A change of a text is moved over every change that somebody
//! else makes to that text, so that taking it back takes back these letters and no others; that is why it stays exact over many steps
//! (Automerge's `changeAt` is not: letters that one undo brought back are new ones, which the next undo then does not find).
//! Undoing gives a step of redo by the same rules, and the other way round.
import type { Patch } from '@automerge/automerge/slim';
import type { PlainKey } from '../i18n/messages';
import { applyTextChange, reconcile } from './reconcile';
import { compose, inverse, moved, splice, type TextChange } from './text-change';
import type { DocPlace, PresetDoc } from './types';
import { ABSENT, isMap, isWithin, placeKey, same, valueAt } from './values';

type Field = { readonly place: DocPlace; readonly before: unknown; readonly after: unknown };
type TextEdit = { readonly place: DocPlace; back: TextChange; isLost: boolean };
/** What one edit did. */
export type Taken = { readonly fields: Map<string, Field>; readonly texts: Map<string, TextEdit> };
export type Step = Taken & { readonly label: PlainKey; readonly merge?: string; at: number; readonly since: number };
/** Changes of texts that a set of patches makes, by place. */
export type TextPatches = ReadonlyMap<string, { readonly place: DocPlace; readonly change: TextChange }>;

/** Entries of these maps are never deleted: they are marked, and come back with what others did to them meanwhile. */
const REMOVABLE = new Set(['steps', 'triggers', 'wires', 'variables', 'notes', 'groups']);
/** Edits in a row with the same `merge` are one step while they come faster than this… */
const MERGE_MS = 1_000;
/** …and not longer than this: an undo must not take minutes of typing away. */
const MERGED_MS_MAX = 3_000;
/** The most steps that are kept. */
const STEPS_MAX = 200;

/** What a patch can do that matters to undo. */
const ACTIONS = new Set<Patch['action']>(['put', 'del', 'insert', 'splice', 'inc']);

/** The place that a patch changes as a whole, and whether it is a text that changes in places. Lists count as one value. */
function placeOf(patch: Patch, before: unknown, after: unknown): { place: DocPlace; isText: boolean } {
  let [old, now] = [before, after];
  for (const [index, key] of patch.path.entries()) {
    const place = patch.path.slice(0, index);
    if (typeof old === 'string' && typeof now === 'string') return { place, isText: true };
    if (!isMap(old) || !isMap(now)) return { place: index === 0 ? patch.path.slice(0, 1) : place, isText: false };
    const [inner, other]: unknown[] = [old[key], now[key]];
    const isReplaced = patch.action === 'put' || (patch.action === 'del' && patch.length === undefined);
    if (isReplaced && index === patch.path.length - 1) break;
    [old, now] = [inner, other];
  }
  return { place: patch.path, isText: false };
}

/** What patches do to texts, and which values they set. A text that was replaced as a whole is a value. */
export function sorted(patches: readonly Patch[], before: PresetDoc, after: PresetDoc) {
  const values = new Map<string, DocPlace>();
  const splicesOf = new Map<string, { place: DocPlace; change: TextChange }>();
  const known = patches.filter((patch) => ACTIONS.has(patch.action));
  const shallowFirst = [...known].sort((one, other) => one.path.length - other.path.length);
  const isCovered = (place: DocPlace): boolean => {
    for (let length = 1; length <= place.length; length += 1)
      if (values.has(placeKey(place.slice(0, length)))) return true;
    return false;
  };
  for (const patch of shallowFirst) {
    const { place, isText } = placeOf(patch, before, after);
    if (isText || isCovered(place)) continue;
    values.set(placeKey(place), place);
  }
  for (const patch of known) {
    const { place, isText } = placeOf(patch, before, after);
    if (!isText || isCovered(place)) continue;
    const at = Number(patch.path.at(-1));
    let change: TextChange;
    if (patch.action === 'splice') change = splice(at, 0, patch.value);
    else if (patch.action === 'del') change = splice(at, patch.length ?? 1, '');
    else continue;
    const first = splicesOf.get(placeKey(place))?.change;
    splicesOf.set(placeKey(place), { place, change: first ? compose(first, change) : change });
  }
  return { values, texts: splicesOf as TextPatches };
}

/** What an own edit did, to be taken back some time. */
function taken(patches: readonly Patch[], before: PresetDoc, after: PresetDoc): Taken {
  const { values, texts } = sorted(patches, before, after);
  const fields = new Map<string, Field>();
  for (const [key, place] of values) {
    const field = { place, before: valueAt(before, place), after: valueAt(after, place) };
    if (!same(field.before, field.after)) fields.set(key, field);
  }
  const edits = new Map<string, TextEdit>();
  for (const [key, { place, change }] of texts) {
    const old = valueAt(before, place);
    if (typeof old === 'string') edits.set(key, { place, back: inverse(change, old), isLost: false });
  }
  return { fields, texts: edits };
}

const isEmpty = (of: Taken): boolean => of.fields.size === 0 && of.texts.size === 0;

/** Adds a later edit to an earlier one. What it did inside of a value that the earlier one set belongs to that value. */
function append(to: Taken, later: Taken, before: PresetDoc, after: PresetDoc): void {
  const inside = new Set<string>();
  for (const [key, field] of to.fields) {
    const isStill = same(valueAt(before, field.place), field.after);
    for (const [other, { place }] of [...later.fields, ...later.texts])
      if (isStill && isWithin(place, field.place)) inside.add(other);
    if (isStill) to.fields.set(key, { ...field, after: valueAt(after, field.place) });
  }
  for (const [key, field] of later.fields) if (!inside.has(key)) to.fields.set(key, field);
  for (const [key, edit] of later.texts) {
    const first = to.texts.get(key);
    if (inside.has(key)) continue;
    if (first && !first.isLost) first.back = compose(edit.back, first.back);
    else to.texts.set(key, edit);
  }
}

/** Somebody else changed texts: what takes ours back is moved over that, the newest step first. */
function rebase(steps: readonly Step[], key: string, change: TextChange, ours: boolean): void {
  let over = change;
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const edit = steps[index]?.texts.get(key);
    if (!edit || edit.isLost) continue;
    const back = edit.back;
    edit.back = moved(back, over, ours);
    over = moved(over, back, !ours);
  }
}

/** What carrying a step back came to: what could not go back is `kept`, with what it would have been. */
export type Outcome = { readonly isDone: boolean; readonly kept: Taken };

/**
 * Takes an edit back inside a change; `present` is the document before that change, which is read faster than the one that is being
 * changed. `isForced`: also where somebody else has set the value since.
 */
export function takeBack(doc: PresetDoc, present: PresetDoc, of: Taken, isForced: boolean): Outcome {
  const kept: Taken = { fields: new Map(), texts: new Map() };
  let isDone = false;
  for (const [key, edit] of of.texts) {
    if (edit.isLost || typeof valueAt(present, edit.place) !== 'string') kept.texts.set(key, edit);
    else {
      applyTextChange(doc, edit.place, edit.back);
      isDone = true;
    }
  }
  // What was made last goes first: an entry before the map that holds it.
  for (const [key, field] of [...of.fields].reverse()) {
    const now = valueAt(present, field.place);
    if (same(now, field.before)) continue;
    const isOurs = same(now, field.after);
    if (!isMap(valueAt(present, field.place.slice(0, -1))) || (!isOurs && !isForced)) {
      kept.fields.set(key, field);
      continue;
    }
    isDone = true;
    setBack(doc, field, now);
  }
  return { isDone, kept };
}

function setBack(doc: PresetDoc, { place, before }: Field, now: unknown): void {
  if (before !== ABSENT) {
    reconcile(doc, place, before, now);
    return;
  }
  const holder = valueAt(doc, place.slice(0, -1)) as Record<string, unknown>;
  const key = String(place.at(-1));
  const isRemovable = place.length === 2 && REMOVABLE.has(String(place[0]));
  if (isRemovable && isMap(now)) (holder[key] as Record<string, unknown>).removed = true;
  else delete holder[key];
}

/** The steps that can be undone and redone. Time is given, so that tests need not wait. */
export class History {
  readonly #undo: Step[] = [];
  readonly #redo: Step[] = [];
  /** What the last undo left alone, and may still be asked to do; `joins`: it did a part, to which the rest then belongs. */
  #kept: { readonly step: Step; readonly joins: boolean } | undefined;

  get canUndo(): boolean {
    return this.#undo.length > 0;
  }
  get canRedo(): boolean {
    return this.#redo.length > 0;
  }

  /** An own edit happened. */
  record(step: Step, patches: readonly Patch[], before: PresetDoc, after: PresetDoc): void {
    const did = taken(patches, before, after);
    if (isEmpty(did)) return;
    this.#redo.length = 0;
    this.#kept = undefined;
    const last = this.#undo.at(-1);
    const isSoon = last && step.at - last.at <= MERGE_MS && step.at - last.since <= MERGED_MS_MAX;
    if (isSoon && step.merge !== undefined && last.merge === step.merge) {
      append(last, did, before, after);
      last.at = step.at;
      return;
    }
    this.#undo.push({ ...step, ...did });
    if (this.#undo.length > STEPS_MAX) this.#undo.shift();
  }

  /** Somebody else's edit happened. */
  others(patches: readonly Patch[], before: PresetDoc, after: PresetDoc): void {
    if (!this.canUndo && !this.canRedo) return;
    const { values, texts } = sorted(patches, before, after);
    for (const [key, { change }] of texts) {
      rebase(this.#undo, key, change, true);
      rebase(this.#redo, key, change, true);
    }
    for (const step of [...this.#undo, ...this.#redo])
      for (const edit of step.texts.values())
        if ([...values.values()].some((place) => isWithin(edit.place, place))) edit.isLost = true;
  }

  /** The step that `undo` or `redo` would take back. */
  next(which: 'undo' | 'redo'): Step | undefined {
    return (which === 'undo' ? this.#undo : this.#redo).at(-1);
  }
  /** What the last undo left alone. */
  leftAlone(): Step | undefined {
    return this.#kept?.step;
  }

  /** A step was taken back by the edit that `patches` tell of: the counterpart goes to the other side. */
  went(
    which: 'undo' | 'redo' | 'kept',
    step: Step,
    outcome: Outcome,
    edit: { readonly patches: readonly Patch[]; readonly before: PresetDoc; readonly after: PresetDoc } | undefined,
  ): void {
    const joins = which === 'kept' && this.#kept?.joins === true;
    if (which === 'undo') this.#undo.pop();
    else if (which === 'redo') this.#redo.pop();
    const did = edit && taken(edit.patches, edit.before, edit.after);
    const isWorth = edit !== undefined && did !== undefined && !isEmpty(did);
    const isLeft = which === 'undo' && !isEmpty(outcome.kept);
    this.#kept = isLeft ? { step: { ...step, ...outcome.kept }, joins: isWorth } : undefined;
    if (!isWorth) return;
    const counterpart = { label: step.label, at: step.at, since: step.since, ...did };
    const last = this.#redo.at(-1);
    if (which === 'redo') this.#undo.push(counterpart);
    else if (joins && last) append(last, did, edit.before, edit.after);
    else this.#redo.push(counterpart);
  }
}
