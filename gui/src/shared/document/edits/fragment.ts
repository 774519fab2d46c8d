//! A part of a workflow as text: what copy gives and paste takes, between tabs, browsers and nodes. A whole preset and n8n's JSON are
//! taken as well.
import type { Step, Trigger } from '../../api/types';
import { wiresOf } from '../../graph/model';
import type { Translate } from '../../i18n/messages';
import type { DrawnGroup, DrawnNote, DrawnPreset } from '../types';
import { isMap } from '../values';
import { fromN8n, isN8n } from './n8n';
import { unfenced } from './unfenced';

export const FORMAT = 'fragment/1';
type Entries<T> = Readonly<Record<string, T>>;
type End = { readonly step: string; readonly port: string };

export type Fragment = {
  readonly flowork: typeof FORMAT;
  readonly steps: Entries<Step>;
  readonly triggers: Entries<Trigger>;
  readonly wires: Entries<{ readonly from: End; readonly to: End }>;
  readonly notes: Entries<DrawnNote>;
  readonly groups: Entries<DrawnGroup>;
  /** The variables that the steps read. */
  readonly variables: Entries<Variable>;
};
type Variable = { readonly value: unknown; readonly docs?: string };

/** What is selected, with the wires between it. A frame comes along when everything in it does, or when it is selected itself. */
export function fragmentOf(preset: DrawnPreset, ids: Iterable<string>): Fragment {
  const chosen = new Set(ids);
  for (const [id, group] of Object.entries(preset.groups ?? {}))
    if (chosen.has(id)) for (const step of group.steps) chosen.add(step);
  const pick = <T>(entries: Entries<T> | undefined): Record<string, T> =>
    Object.fromEntries(Object.entries(entries ?? {}).filter(([id]) => chosen.has(id)));
  const steps = pick(preset.steps);
  const triggers = pick(preset.triggers);
  const isIn = (end: End): boolean => Object.hasOwn(steps, end.step) || Object.hasOwn(triggers, end.step);
  const wires = wiresOf(preset.wires).filter(({ from, to }) => isIn(from) && isIn(to));
  const groups = Object.entries(preset.groups ?? {}).filter(
    ([id, group]) =>
      chosen.has(id) || (group.steps.length > 0 && group.steps.every((step) => Object.hasOwn(steps, step))),
  );
  return {
    flowork: FORMAT,
    steps,
    triggers,
    wires: Object.fromEntries(wires.map(({ id, from, to }) => [id, { from, to }])),
    notes: pick(preset.notes),
    groups: Object.fromEntries(groups),
    variables: variablesOf(preset, JSON.stringify(Object.values(steps).map((step) => step.config))),
  };
}

/** The variables that are named in a text of configs: `$vars.name`, and `vars.name` or `vars['name']` in scripts. */
function variablesOf(preset: DrawnPreset, text: string): Record<string, Variable> {
  const named = new Set(Array.from(text.matchAll(/\bvars(?:\.|\[\\?["'])([\w-]+)/g), ([, name = '']) => name));
  return Object.fromEntries(Object.entries(preset.variables ?? {}).filter(([name]) => named.has(name)));
}

/** The text that goes to the clipboard. */
export const copy = (preset: DrawnPreset, ids: Iterable<string>): string =>
  JSON.stringify(fragmentOf(preset, ids), undefined, 2);

/** What a text from the clipboard, a file or an address holds; undefined when it is nothing that can be pasted. */
export function readFragment(text: string, t: Translate): Fragment | undefined {
  let said: unknown;
  try {
    said = JSON.parse(unfenced(text));
  } catch {
    return undefined;
  }
  if (isN8n(said))
    return fromN8n(said, {
      unknown: (name, kind) => t('document.n8n_unknown', { name, kind }),
      credentials: (names) => t('document.n8n_credentials', { names }),
    });
  if (!isMap(said) || typeof said.flowork !== 'string' || !/^(fragment|preset)\/\d+$/.test(said.flowork))
    return undefined;
  const cards = <T>(entries: unknown): Record<string, T> => kept(entries, (it) => typeof it.component === 'string');
  const fragment = {
    flowork: FORMAT,
    steps: cards<Step>(said.steps),
    triggers: cards<Trigger>(said.triggers),
    wires: readWires(said.wires),
    notes: kept<DrawnNote>(said.notes, (it) => typeof it.text === 'string' && isMap(it.position)),
    groups: kept<DrawnGroup>(said.groups, (it) => Array.isArray(it.steps)),
    variables: kept<Variable>(said.variables, (it) => 'value' in it),
  } as const;
  const isEmpty = [fragment.steps, fragment.triggers, fragment.notes].every((of) => Object.keys(of).length === 0);
  return isEmpty ? undefined : fragment;
}

function kept<T>(entries: unknown, isGood: (entry: Record<string, unknown>) => boolean): Record<string, T> {
  if (!isMap(entries)) return {};
  return Object.fromEntries(
    Object.entries(entries).filter(
      (entry): entry is [string, T & Record<string, unknown>] => isMap(entry[1]) && isGood(entry[1]),
    ),
  );
}

/** Wires by id, or as texts: `"check:true -> mail:in"`. */
function readWires(wires: unknown): Record<string, { from: End; to: End }> {
  const made: Record<string, { from: End; to: End }> = {};
  if (Array.isArray(wires)) {
    for (const text of wires) {
      const [from, to] = String(text).split('->');
      const ends = from && to ? { from: endIn(from, 'out'), to: endIn(to, 'in') } : undefined;
      if (ends) made[String(text)] = ends;
    }
  } else if (isMap(wires))
    for (const [id, wire] of Object.entries(wires)) {
      const { from, to } = isMap(wire) ? wire : {};
      if (isEnd(from) && isEnd(to)) made[id] = { from, to };
    }
  return made;
}

function endIn(text: string, port: string): End {
  const [step = '', given] = text.trim().split(':');
  return { step, port: given ?? port };
}
const isEnd = (end: unknown): end is End => isMap(end) && typeof end.step === 'string' && typeof end.port === 'string';
