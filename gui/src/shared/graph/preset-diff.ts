//! What is different between two presets, for a list and for the canvas. Pure.
import type { Preset } from '../api/types';
import { type Wire, wiresOf } from './model';

export type ChangeKind = 'added' | 'removed' | 'changed';
/** What a difference is about. */
export type Subject = 'step' | 'trigger' | 'wire' | 'variable' | 'setting' | 'workflow';

/** One value at one place that is another one now. */
export type ValueChange = {
  /** Inside of what changed: `['config', 'url']`. */
  readonly path: readonly string[];
  /** Absent when it was not there. */
  readonly before?: unknown;
  readonly after?: unknown;
};
export type Change = {
  readonly subject: Subject;
  /** The id of the step, trigger or wire; the name of the variable or the setting. */
  readonly id: string;
  readonly kind: ChangeKind;
  /** What people call it. */
  readonly name: string;
  /** For `changed`: value by value. */
  readonly values: readonly ValueChange[];
  /** Only its place on the canvas, which changes nothing that it does. */
  readonly isOnlyMoved: boolean;
};
export type PresetDiff = {
  readonly changes: readonly Change[];
  /** How each step and trigger stands: what the canvas draws. Those that stay as they are are left out, moved ones too. */
  readonly cards: ReadonlyMap<string, ChangeKind>;
  readonly wires: ReadonlyMap<string, ChangeKind>;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether two JSON values are the same; the order of keys does not count. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((it, at) => sameJson(it, other[at]));
  if (!isRecord(one) || !isRecord(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && sameJson(one[key], other[key]))
  );
}

/** What the API leaves out and what it writes as empty are the same. */
const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isRecord(value) && Object.keys(value).length === 0);

/** The values that differ, as deep as both sides are objects. Lists differ as a whole. */
export function valueChanges(before: unknown, after: unknown, path: readonly string[] = []): ValueChange[] {
  if (sameJson(before, after)) return [];
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => valueChanges(before[key], after[key], [...path, key]));
  }
  return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
}

/** Whether a step or trigger does the same in both presets: its name and its place say nothing about that. */
export function isSameWork(one: Preset, other: Preset, id: string): boolean {
  const [old, now] = [one.steps?.[id] ?? one.triggers?.[id], other.steps?.[id] ?? other.triggers?.[id]];
  if (!old || !now) return false;
  return (
    old.component === now.component &&
    Boolean(old.disabled) === Boolean(now.disabled) &&
    sameJson(old.config ?? {}, now.config ?? {})
  );
}

/** Fields beside the config in which nothing and its default are the same. */
const DEFAULTS: Readonly<Record<string, unknown>> = { on_error: 'fail', on_crash: 'retry', priority: 0 };

function tidied(of: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(of).filter(([key, value]) => key === 'config' || !(isNothing(value) || DEFAULTS[key] === value)),
  );
}

type Fields = Readonly<Record<string, unknown>>;
type Named = { readonly name?: string | null };

function entries<T extends object & { readonly [Key in keyof T]: unknown }>(
  subject: Subject,
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
  nameOf: (id: string, of: T) => string,
): Change[] {
  const found: Change[] = [];
  for (const id of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[id], after[id]];
    if (old && now) {
      const sides = [tidied(old as Fields), tidied(now as Fields)] as const;
      // Freezing writes down which version of its component a step was drawn with; a draft that says none means the newest.
      if (sides.some((side) => side.version === undefined)) for (const side of sides) delete side.version;
      const values = valueChanges(...sides);
      if (values.length === 0) continue;
      const isOnlyMoved = values.every((value) => value.path[0] === 'position');
      found.push({ subject, id, kind: 'changed', name: nameOf(id, now), values, isOnlyMoved });
    } else {
      const there = now ?? old;
      if (!there) continue;
      const kind = now ? 'added' : 'removed';
      found.push({ subject, id, kind, name: nameOf(id, there), values: [], isOnlyMoved: false });
    }
  }
  return found;
}

const cardName = (id: string, of: Named): string => of.name || id;
const byId = (wires: readonly Wire[]): Record<string, Wire> => {
  // By their ends: a wire that was drawn again is the same wire.
  const found: Record<string, Wire> = {};
  for (const wire of wires) found[endsOf(wire)] = wire;
  return found;
};
const endsOf = ({ from, to }: Wire): string => `${from.step}:${from.port} → ${to.step}:${to.port}`;

/** Everything that differs between two presets. */
export function diffPresets(before: Preset, after: Preset): PresetDiff {
  const steps = entries('step', before.steps ?? {}, after.steps ?? {}, cardName);
  const triggers = entries('trigger', before.triggers ?? {}, after.triggers ?? {}, cardName);
  const wires = wireChanges(before, after);
  const variables = entries('variable', before.variables ?? {}, after.variables ?? {}, (id) => id);
  const settings = singles('setting', tidied({ ...before.settings }), tidied({ ...after.settings }));
  const pick = ({ name, title, docs }: Preset) => tidied({ name, title, docs });
  const workflow = singles('workflow', pick(before), pick(after));
  const cards = new Map<string, ChangeKind>();
  for (const change of [...steps, ...triggers]) if (!change.isOnlyMoved) cards.set(change.id, change.kind);
  return {
    changes: [...workflow, ...triggers, ...steps, ...wires.changes, ...variables, ...settings],
    cards,
    wires: wires.byId,
  };
}

/** A wire as people call it: the names of what it joins, and ports only where they say something. */
function wireName(preset: Preset, { from, to }: Wire): string {
  const end = (step: string, port: string, usual: string): string => {
    const name = cardName(step, preset.steps?.[step] ?? preset.triggers?.[step] ?? {});
    return port === usual ? name : `${name} (${port})`;
  };
  return `${end(from.step, from.port, 'out')} → ${end(to.step, to.port, 'in')}`;
}

function wireChanges(before: Preset, after: Preset) {
  const [old, now] = [byId(wiresOf(before.wires)), byId(wiresOf(after.wires))];
  const changes: Change[] = [];
  const ids = new Map<string, ChangeKind>();
  for (const [ends, wire] of Object.entries(now)) {
    if (old[ends]) continue;
    ids.set(wire.id, 'added');
    changes.push({
      subject: 'wire',
      id: wire.id,
      kind: 'added',
      name: wireName(after, wire),
      values: [],
      isOnlyMoved: false,
    });
  }
  for (const [ends, wire] of Object.entries(old)) {
    if (now[ends]) continue;
    ids.set(wire.id, 'removed');
    changes.push({
      subject: 'wire',
      id: wire.id,
      kind: 'removed',
      name: wireName(before, wire),
      values: [],
      isOnlyMoved: false,
    });
  }
  return { changes, byId: ids as ReadonlyMap<string, ChangeKind> };
}

/** Values by name, each a difference of its own. */
function singles(
  subject: Subject,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Change[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((id): Change[] => {
    const values = valueChanges(before[id], after[id]);
    if (values.length === 0) return [];
    const kind = before[id] === undefined ? 'added' : after[id] === undefined ? 'removed' : 'changed';
    return [{ subject, id, kind, name: id, values, isOnlyMoved: false }];
  });
}
