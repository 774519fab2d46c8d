//! Making a workflow read as another one, such as a version of before, as one edit: only what differs is touched.

import type { Preset } from '../../api/types';
import { wiresOf } from '../../graph/model';
import { cardDoc, chosenAll, groupDoc, naturalWireId, noteDoc, stepDoc, variableDoc, wireDoc } from '../form';
import { drawnOf } from '../read';
import { reconcile } from '../reconcile';
import type { DrawnPreset, Edit, PresetDoc } from '../types';
import { plain, same, written } from '../values';
import { add, type Collection, entryOf, remove } from './entries';

type Entries = Readonly<Record<string, unknown>>;

/** Makes the document read as `to`, a version of the API or another reading; `now` is how it reads before. */
export function replaceWhole(now: DrawnPreset, to: Preset | DrawnPreset): Edit {
  const target = drawnOf(to as Preset);
  return (doc) => {
    for (const name of ['title', 'docs'] as const)
      if ((now[name] ?? '') !== (target[name] ?? '')) reconcile(doc, [name], target[name] ?? '');
    if (now.name !== target.name) reconcile(doc, ['name'], chosenAll(target.name));
    entries(doc, 'steps', now.steps, target.steps, stepDoc);
    entries(doc, 'triggers', now.triggers, target.triggers, cardDoc);
    entries(doc, 'variables', now.variables, target.variables, variableDoc);
    entries(doc, 'notes', now.notes, target.notes, noteDoc);
    entries(doc, 'groups', now.groups, target.groups, groupDoc);
    entries(doc, 'wires', wires(now), wires(target), ({ from, to }) => wireDoc(from, to));
    if (!same(now.settings ?? {}, target.settings ?? {}))
      reconcile(doc, ['settings'], chosenAll(target.settings ?? {}));
  };
}

const wires = (preset: DrawnPreset) =>
  Object.fromEntries(wiresOf(preset.wires).map(({ id, from, to }) => [id || naturalWireId(from, to), { from, to }]));

/** Adds, changes and removes entries of one kind where the two differ. */
function entries<T>(
  doc: PresetDoc,
  of: Collection,
  now: Readonly<Record<string, T>> | undefined,
  target: Readonly<Record<string, T>> | undefined,
  make: (entry: T) => object,
): void {
  for (const id of Object.keys(now ?? {})) if (!target || !Object.hasOwn(target, id)) remove(doc, of, id);
  for (const [id, entry] of Object.entries(target ?? {})) {
    const old = now && Object.hasOwn(now, id) ? now[id] : undefined;
    if (old !== undefined && same(old, entry)) continue;
    const made = make(entry) as Entries;
    const there = entryOf(doc, of, id);
    if (!there) add(doc, of, id, made);
    else update(doc, of, id, there, made);
  }
}

/** Changes an entry field by field. Fields that this page does not know stay; `removed` goes. */
function update(doc: PresetDoc, of: Collection, id: string, there: Record<string, unknown>, made: Entries): void {
  for (const name of FIELDS) if (name in there && !(name in made)) delete there[name];
  for (const [name, value] of Object.entries(made)) {
    const isFree = name === 'config' || name === 'value';
    const wanted = isFree ? written(plain(value), there[name]) : value;
    if (!same(there[name], wanted)) reconcile(doc, [of, id, name], wanted);
  }
}

/** What an entry may have or not; without it in the target, it goes. */
const FIELDS = [
  'removed',
  'name',
  'position',
  'disabled',
  'version',
  'retry',
  'timeout_ms',
  'on_error',
  'on_crash',
  'pin',
  'colour',
] as const;
