//! A document read in the form that the API gives, with what is only drawn. What no edit touched keeps its identity, so that only what
//! changed is drawn again. What cannot be read is left out, as node/documents/src/view.rs does; the node's check says so to people.
import type { Item, Preset, Step, Trigger } from '../api/types';
import type { CardDoc, DrawnGroup, DrawnNote, DrawnPreset, PresetDoc, Removable, StepDoc } from './types';
import { isMap, plain } from './values';

type Wire = { readonly from: { step: string; port: string }; readonly to: { step: string; port: string } };
type Variable = NonNullable<Preset['variables']>[string];
type Entries<T> = Record<string, T>;

const FORMAT = 'preset/1';
const UNNAMED = 'unnamed';

/** Reads one document again and again. Automerge gives untouched parts of a document as the same objects; so does this. */
export class PresetReader {
  #last: DrawnPreset | undefined;
  readonly #steps = collection(stepOf);
  readonly #triggers = collection(triggerOf);
  readonly #wires = collection(wireOf);
  readonly #variables = collection(variableOf);
  readonly #notes = collection(noteOf);
  readonly #groups = collection(groupOf);

  read(doc: PresetDoc): DrawnPreset {
    const steps = this.#steps(doc.steps);
    const triggers = this.#triggers(doc.triggers);
    const settings = settingsOf(doc.settings);
    const next: DrawnPreset = {
      flowork: text(doc.flowork) || FORMAT,
      name: text(doc.name) || UNNAMED,
      title: text(doc.title),
      docs: text(doc.docs),
      steps,
      triggers,
      wires: this.#joined(this.#wires(doc.wires), steps, triggers),
      variables: this.#variables(doc.variables),
      settings,
      notes: this.#notes(doc.notes),
      groups: this.#groups(doc.groups),
    };
    if (this.#last && isShallowEqual(this.#last, next)) return this.#last;
    this.#last = next;
    return next;
  }

  #joinedLast: Entries<Wire> = {};
  /** The wires whose both ends are there. */
  #joined(wires: Entries<Wire>, steps: Entries<Step>, triggers: Entries<Trigger>): Entries<Wire> {
    const isThere = (id: string): boolean => Object.hasOwn(steps, id) || Object.hasOwn(triggers, id);
    const made: Entries<Wire> = {};
    let isWhole = true;
    for (const [id, wire] of Object.entries(wires)) {
      if (isThere(wire.from.step) && isThere(wire.to.step)) made[id] = wire;
      else isWhole = false;
    }
    if (isWhole) this.#joinedLast = wires;
    else if (!isShallowEqual(this.#joinedLast, made)) this.#joinedLast = made;
    return this.#joinedLast;
  }
}

/** Reads a document once. */
export const readPreset = (doc: PresetDoc): DrawnPreset => new PresetReader().read(doc);

/** A preset of the API, such as a version, in the form in which documents are read. */
export function drawnOf(preset: Preset): DrawnPreset {
  const { notes, groups, ...rest } = preset as Preset & { notes?: unknown; groups?: unknown };
  const entries = (of: unknown): [string, Entries<unknown>][] =>
    Object.entries(isMap(of) ? of : {}).filter((entry): entry is [string, Entries<unknown>] => isMap(entry[1]));
  const group = ({ steps, ...of }: Entries<unknown>): DrawnGroup =>
    groupOf({ ...of, steps: Object.fromEntries(Array.isArray(steps) ? steps.map((id) => [id, true]) : []) });
  return {
    ...rest,
    notes: Object.fromEntries(entries(notes).map(([id, of]) => [id, noteOf(of)])),
    groups: Object.fromEntries(entries(groups).map(([id, of]) => [id, group(of)])),
  };
}

/** Reads a map of entries; each entry is read once as long as it is the same object. */
function collection<Doc extends object, T>(read: (doc: Doc) => T | undefined): (map: unknown) => Entries<T> {
  const known = new WeakMap<object, { readonly value: T | undefined }>();
  let from: unknown;
  let last: Entries<T> = {};
  return (map) => {
    if (map === from) return last;
    from = map;
    const next: Entries<T> = {};
    for (const id of isMap(map) ? Object.keys(map).sort() : []) {
      const doc = (map as Entries<unknown>)[id];
      if (!isMap(doc) || (doc as Removable).removed === true) continue;
      let kept = known.get(doc);
      if (!kept) {
        kept = { value: read(doc as Doc) };
        known.set(doc, kept);
      }
      if (kept.value !== undefined) next[id] = kept.value;
    }
    if (!isShallowEqual(last, next)) last = next;
    return last;
  };
}

function isShallowEqual(one: object, other: object): boolean {
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  const [left, right] = [one as Entries<unknown>, other as Entries<unknown>];
  return keys.every((key) => left[key] === right[key]);
}

const text = (value: unknown): string => {
  const read = plain(value);
  return typeof read === 'string' ? read : '';
};
const whole = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

function cardOf(doc: CardDoc): Trigger {
  const made: Trigger = { component: text(doc.component) };
  const name = text(doc.name);
  if (name) made.name = name;
  const config = plain(doc.config);
  if (isMap(config) && Object.keys(config).length > 0) made.config = config;
  const position = placeOf(doc.position);
  if (position) made.position = position;
  if (doc.disabled === true) made.disabled = true;
  const note = text(doc.note);
  if (note) made.note = note;
  return made;
}

const triggerOf = (doc: CardDoc): Trigger => cardOf(doc);

function stepOf(doc: StepDoc): Step {
  const made: Step = cardOf(doc);
  if (whole(doc.version) !== undefined) made.version = doc.version;
  const retry = plain(doc.retry);
  if (isMap(retry)) made.retry = retry;
  if (whole(doc.timeout_ms) !== undefined) made.timeout_ms = doc.timeout_ms;
  const onError = text(doc.on_error);
  if (onError === 'continue' || onError === 'port') made.on_error = onError;
  const onCrash = text(doc.on_crash);
  if (onCrash === 'ask' || onCrash === 'fail') made.on_crash = onCrash;
  const pin = pinOf(doc.pin);
  if (pin) made.pin = pin;
  const secrets = isMap(doc.secrets) ? Object.keys(doc.secrets).filter((name) => doc.secrets?.[name] !== false) : [];
  if (secrets.length > 0) made.secrets = secrets.sort();
  return made;
}

function placeOf(value: unknown): { x: number; y: number } | undefined {
  const at = plain(value);
  if (!isMap(at) || typeof at.x !== 'number' || typeof at.y !== 'number') return undefined;
  return { x: at.x, y: at.y };
}

function pinOf(value: unknown): Step['pin'] | undefined {
  if (!isMap(value)) return undefined;
  const made: Record<string, Item[]> = {};
  for (const [port, kept] of Object.entries(value)) {
    const items = itemsOf(plain(kept));
    if (items) made[port] = items;
  }
  return made;
}

function itemsOf(kept: unknown): Item[] | undefined {
  try {
    const items: unknown = typeof kept === 'string' ? JSON.parse(kept) : kept;
    return Array.isArray(items) ? (items as Item[]) : undefined;
  } catch {
    return undefined;
  }
}

function wireOf(doc: object): Wire | undefined {
  const read = plain(doc) as Entries<unknown>;
  const { from_step, from_port, to_step, to_port } = read;
  if (typeof from_step !== 'string' || typeof from_port !== 'string') return undefined;
  if (typeof to_step !== 'string' || typeof to_port !== 'string') return undefined;
  return { from: { step: from_step, port: from_port }, to: { step: to_step, port: to_port } };
}

function variableOf(doc: { value?: unknown; docs?: unknown }): Variable {
  const docs = text(doc.docs);
  return docs ? { value: plain(doc.value), docs } : { value: plain(doc.value) };
}

function settingsOf(value: unknown): NonNullable<Preset['settings']> {
  const settings = plain(value);
  return isMap(settings) ? settings : NO_SETTINGS;
}
const NO_SETTINGS: NonNullable<Preset['settings']> = {};

function noteOf(doc: object): DrawnNote {
  const read = plain(doc) as Entries<unknown>;
  const note = {
    text: text(read.text),
    position: placeOf(read.position) ?? { x: 0, y: 0 },
    width: whole(read.width) ?? 240,
    height: whole(read.height) ?? 160,
  };
  return typeof read.colour === 'string' ? { ...note, colour: read.colour } : note;
}

function groupOf(doc: object): DrawnGroup {
  const read = plain(doc) as Entries<unknown>;
  const steps = isMap(read.steps) ? read.steps : {};
  const group = {
    title: text(read.title),
    steps: Object.keys(steps)
      .filter((id) => steps[id] !== false)
      .sort(),
  };
  return typeof read.colour === 'string' ? { ...group, colour: read.colour } : group;
}
