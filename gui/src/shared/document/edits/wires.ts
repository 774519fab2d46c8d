//! Edits of connections.
import { ERROR_PORT, type Wire, type WireEnd, wiresOf } from '../../graph/model';
import { naturalWireId, wireDoc } from '../form';
import type { DrawnPreset, Edit } from '../types';
import { same } from '../values';
import { add, entryOf, remove } from './entries';

/** Connects two ports. What is connected already stays as it is. */
export const connect =
  (from: WireEnd, to: WireEnd): Edit =>
  (doc) => {
    const id = naturalWireId(from, to);
    const wire = wireDoc(from, to);
    const old = entryOf(doc, 'wires', id);
    const isSame = old && Object.entries(wire).every(([name, value]) => same(old[name], value));
    if (!isSame) add(doc, 'wires', id, wire);
    else if (old.removed === true) delete old.removed;
  };

/** Takes connections away. */
export const disconnect =
  (ids: Iterable<string>): Edit =>
  (doc) => {
    for (const id of ids) remove(doc, 'wires', id);
  };

/** Gives a connection another end. */
export const reconnect =
  (id: string, from: WireEnd, to: WireEnd): Edit =>
  (doc) => {
    if (id === naturalWireId(from, to)) return;
    remove(doc, 'wires', id);
    connect(from, to)(doc);
  };

/** Puts a card that is there, or is added by the same edit, into a connection. */
export function insertOnWire(preset: DrawnPreset, wire: string, step: string, inPort: string, outPort: string): Edit {
  const found = wiresOf(preset.wires).find(({ id }) => id === wire);
  return (doc) => {
    if (!found) return;
    remove(doc, 'wires', wire);
    connect(found.from, { step, port: inPort })(doc);
    connect({ step, port: outPort }, found.to)(doc);
  };
}

/** The connections that join what leads into some cards with what comes after them. Errors of the cards lead nowhere then. */
export function bridged(
  wires: readonly Wire[],
  gone: ReadonlySet<string>,
): { readonly from: WireEnd; readonly to: WireEnd }[] {
  const after = new Map<string, Wire[]>();
  for (const wire of wires) {
    if (!gone.has(wire.from.step) || wire.from.port === ERROR_PORT || gone.has(wire.id)) continue;
    const list = after.get(wire.from.step);
    if (list) list.push(wire);
    else after.set(wire.from.step, [wire]);
  }
  const made: { from: WireEnd; to: WireEnd }[] = [];
  for (const entry of wires) {
    if (gone.has(entry.id) || gone.has(entry.from.step) || !gone.has(entry.to.step)) continue;
    const seen = new Set([entry.to.step]);
    for (const step of seen)
      for (const wire of after.get(step) ?? []) {
        if (gone.has(wire.to.step)) seen.add(wire.to.step);
        else if (wire.to.step !== entry.from.step) made.push({ from: entry.from, to: wire.to });
      }
  }
  return made;
}
