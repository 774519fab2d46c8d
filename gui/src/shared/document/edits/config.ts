//! Edits of what a form shows: settings of a step, texts, variables, settings of the preset.

import { chosenAll } from '../form';
import { changeText, put, reconcile } from '../reconcile';
import type { DocPlace, Edit, PresetDoc } from '../types';
import { isMap, plain, valueAt, written } from '../values';
import { add, entryOf, remove } from './entries';

/** Makes the maps that lead to a place, where they are not there. Lists are not made. */
function reach(doc: PresetDoc, place: DocPlace): void {
  for (let length = 1; length < place.length; length += 1) {
    const holder = valueAt(doc, place.slice(0, length - 1));
    const key = place[length - 1];
    if (!isMap(holder) || key === undefined) return;
    const inner = holder[key];
    if (inner === undefined || inner === null) holder[key] = {};
  }
}

/** Deletes what is at a place: a name of a map, or an element of a list. */
function clear(doc: PresetDoc, place: DocPlace): void {
  const holder = valueAt(doc, place.slice(0, -1));
  const key = place.at(-1);
  if (Array.isArray(holder) && typeof key === 'number') {
    if (key < holder.length) holder.splice(key, 1);
  } else if (isMap(holder) && key !== undefined && key in holder) delete holder[key];
}

/**
 * Sets a JSON value anywhere, mostly in a config: `['steps', id, 'config', 'url']`. Short texts are chosen, of which one wins; prose and
 * code merge letter by letter. `undefined` takes the value away. Lists and maps change only where they differ.
 */
export const setConfig =
  (place: DocPlace, value: unknown): Edit =>
  (doc) => {
    if (value === undefined) clear(doc, place);
    else {
      reach(doc, place);
      put(doc, place, value);
    }
  };

/** Sets a text that merges letter by letter whatever its length: a title, docs, a note, code. */
export const setText =
  (place: DocPlace, text: string): Edit =>
  (doc) => {
    const old = valueAt(doc, place);
    if (typeof old === 'string') changeText(doc, place, old, text);
    else {
      reach(doc, place);
      reconcile(doc, place, text);
    }
  };

/** Fields of a step outside of its config: `version`, `retry`, `timeout_ms`, `on_error`, `on_crash`. `undefined` takes one away. */
export const setStepOption =
  (id: string, name: 'version' | 'retry' | 'timeout_ms' | 'on_error' | 'on_crash', value: unknown): Edit =>
  (doc) => {
    if (!entryOf(doc, 'steps', id)) return;
    if (value === undefined || value === null) clear(doc, ['steps', id, name]);
    else reconcile(doc, ['steps', id, name], chosenAll(value));
  };

/** Which secrets a step is given. Two people who give one each give both. */
export const setSecrets =
  (id: string, names: Iterable<string>): Edit =>
  (doc) => {
    if (!entryOf(doc, 'steps', id)) return;
    reach(doc, ['steps', id, 'secrets', '']);
    const wanted = Object.fromEntries([...names].map((name) => [name, true]));
    reconcile(doc, ['steps', id, 'secrets'], wanted);
  };

/** Sets a variable's value and what it is for. */
export const setVariable =
  (name: string, value: unknown, docs?: string): Edit =>
  (doc) => {
    const old = entryOf(doc, 'variables', name);
    if (!old) {
      add(doc, 'variables', name, { value: written(value), docs: docs ?? '' });
      return;
    }
    if (old.removed === true) delete old.removed;
    put(doc, ['variables', name, 'value'], value);
    if (docs !== undefined) setText(['variables', name, 'docs'], docs)(doc);
  };

export const removeVariable =
  (name: string): Edit =>
  (doc) =>
    remove(doc, 'variables', name);

/** Gives a variable another name. Expressions that read it are not touched. */
export const renameVariable =
  (name: string, now: string): Edit =>
  (doc) => {
    const old = entryOf(doc, 'variables', name);
    if (!old || name === now) return;
    add(doc, 'variables', now, { value: written(plain(old.value)), docs: String(old.docs ?? '') });
    remove(doc, 'variables', name);
  };

/** Sets some of the preset's settings; `undefined` and `null` take one away. */
export const setSettings =
  (settings: Readonly<Record<string, unknown>>): Edit =>
  (doc) => {
    for (const [name, value] of Object.entries(settings)) {
      const place = ['settings', name];
      if (value === undefined || value === null) clear(doc, place);
      else {
        reach(doc, place);
        reconcile(doc, place, chosenAll(value));
      }
    }
  };

/** The name by which other presets call this one. */
export const setName =
  (name: string): Edit =>
  (doc) =>
    reconcile(doc, ['name'], chosenAll(name));
