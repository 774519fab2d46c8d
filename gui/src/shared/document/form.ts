//! A preset in its JSON form as a new document: what must be text is text, what is chosen is chosen. The same as form.rs of the node.
import type { Step, Trigger } from '../api/types';
import { wiresOf } from '../graph/model';
import type {
  CardDoc,
  DrawnGroup,
  DrawnNote,
  DrawnPreset,
  GroupDoc,
  NoteDoc,
  PresetDoc,
  StepDoc,
  TriggerDoc,
  VariableDoc,
  WireDoc,
} from './types';
import { chosen, written } from './values';

type Entries<T> = Record<string, T>;

/** What a document that reads as `preset` holds. */
export function docOf(preset: DrawnPreset): PresetDoc {
  return {
    flowork: chosen(preset.flowork),
    name: chosen(preset.name),
    title: preset.title ?? '',
    docs: preset.docs ?? '',
    steps: mapped(preset.steps, stepDoc),
    triggers: mapped(preset.triggers, cardDoc),
    wires: Object.fromEntries(wiresOf(preset.wires).map(({ id, from, to }) => [id, wireDoc(from, to)])),
    variables: mapped(preset.variables, variableDoc),
    notes: mapped(preset.notes, noteDoc),
    groups: mapped(preset.groups, groupDoc),
    settings: chosenAll(preset.settings ?? {}) as Entries<unknown>,
  };
}

const mapped = <T, Doc>(entries: Readonly<Entries<T>> | undefined, make: (of: T) => Doc): Entries<Doc> =>
  Object.fromEntries(Object.entries(entries ?? {}).map(([id, of]) => [id, make(of)]));

export const variableDoc = (of: { readonly value: unknown; readonly docs?: string }): VariableDoc => ({
  value: written(of.value),
  docs: of.docs ?? '',
});

const colourOf = (colour: string | undefined): { colour?: string } => (colour ? { colour: chosen(colour) } : {});

export const noteDoc = ({ text, position, width, height, colour }: DrawnNote): NoteDoc => ({
  text,
  position: { x: position.x, y: position.y },
  width,
  height,
  ...colourOf(colour),
});

export const groupDoc = ({ title, steps, colour }: DrawnGroup): GroupDoc => ({
  title,
  steps: Object.fromEntries(steps.map((id) => [id, true])),
  ...colourOf(colour),
});

/** JSON of which every text is chosen, and what is null is left out. */
export function chosenAll(value: unknown): unknown {
  if (typeof value === 'string') return chosen(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  return Object.fromEntries(entries.map(([name, inner]) => [name, chosenAll(inner)]));
}

export const wireDoc = (
  from: { readonly step: string; readonly port: string },
  to: { readonly step: string; readonly port: string },
): WireDoc => ({
  from_step: chosen(from.step),
  from_port: chosen(from.port),
  to_step: chosen(to.step),
  to_port: chosen(to.port),
});

/** The id that a wire has unless somebody chose another: two people who draw the same wire draw one wire. */
export const naturalWireId = (
  from: { readonly step: string; readonly port: string },
  to: { readonly step: string; readonly port: string },
): string => `${from.step}:${from.port}>${to.step}:${to.port}`;

export function cardDoc(of: Trigger): TriggerDoc {
  const made: CardDoc = {
    component: chosen(of.component),
    config: (written(of.config ?? {}) ?? {}) as Entries<unknown>,
    note: of.note ?? '',
  };
  if (of.name) made.name = chosen(of.name);
  if (of.position) made.position = { x: of.position.x, y: of.position.y };
  if (of.disabled) made.disabled = true;
  return made;
}

export function stepDoc(of: Step): StepDoc {
  const made: StepDoc = { ...cardDoc(of), secrets: Object.fromEntries((of.secrets ?? []).map((name) => [name, true])) };
  if (typeof of.version === 'number') made.version = of.version;
  if (of.retry) made.retry = chosenAll(of.retry) as Entries<number>;
  if (typeof of.timeout_ms === 'number') made.timeout_ms = of.timeout_ms;
  if (of.on_error && of.on_error !== 'fail') made.on_error = chosen(of.on_error);
  if (of.on_crash && of.on_crash !== 'retry') made.on_crash = chosen(of.on_crash);
  if (of.pin)
    made.pin = Object.fromEntries(Object.entries(of.pin).map(([port, items]) => [port, chosen(JSON.stringify(items))]));
  return made;
}
