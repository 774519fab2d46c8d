//! Putting a fragment into a workflow: fresh ids, names that are free, texts that name each other kept true.
import { CARD_HEIGHT, CARD_WIDTH, GRID } from '../../graph/model';
import { cardDoc, groupDoc, noteDoc, stepDoc, variableDoc } from '../form';
import type { DrawnPreset, Edit, Place } from '../types';
import { renamedIn } from './cards';
import { add } from './entries';
import { type Fragment, fragmentOf } from './fragment';
import { freeId, freeName } from './ids';
import { connect } from './wires';

export type Pasted = {
  readonly edit: Edit;
  /** The new ids of cards, notes and frames, to be selected. */
  readonly ids: readonly string[];
};

const OFFSET = 2 * GRID;

/** Makes the edit that pastes a fragment with its middle at `at`, or a little beside where it was. */
export function paste(preset: DrawnPreset, fragment: Fragment, at?: Place): Pasted {
  const ids = new Map<string, string>();
  const names = new Map<string, string>();
  const taken = { ...preset, steps: { ...preset.steps }, triggers: { ...preset.triggers }, notes: { ...preset.notes } };
  for (const of of ['steps', 'triggers'] as const)
    for (const [id, card] of Object.entries(fragment[of])) {
      const now = freeId(taken, id.replace(/-[a-z0-9]{4}$/, ''));
      const name = freeName(taken, card.name || id);
      ids.set(id, now);
      names.set(card.name || id, name);
      taken[of][now] = { component: card.component, name };
    }
  for (const of of ['notes', 'groups'] as const)
    for (const id of Object.keys(fragment[of])) {
      const now = freeId(taken, of === 'notes' ? 'note' : 'group');
      ids.set(id, now);
      taken.notes[now] = { text: '', position: { x: 0, y: 0 }, width: 0, height: 0 };
    }
  const move = mover(fragment, at);
  const edit: Edit = (doc) => {
    for (const [of, make] of [
      ['steps', stepDoc],
      ['triggers', cardDoc],
    ] as const)
      for (const [id, card] of Object.entries(fragment[of])) {
        const config = renamedConfig(card.config ?? {}, names);
        const name = names.get(card.name || id);
        add(
          doc,
          of,
          ids.get(id) ?? id,
          make({ ...card, name, config, position: move(card.position ?? { x: 0, y: 0 }) }),
        );
      }
    // What is there under the same name stays as it is: other steps read it.
    for (const [name, variable] of Object.entries(fragment.variables))
      if (!preset.variables || !Object.hasOwn(preset.variables, name))
        add(doc, 'variables', name, variableDoc(variable));
    for (const { from, to } of Object.values(fragment.wires)) {
      const [source, target] = [ids.get(from.step), ids.get(to.step)];
      if (source && target) connect({ step: source, port: from.port }, { step: target, port: to.port })(doc);
    }
    for (const [id, note] of Object.entries(fragment.notes))
      add(doc, 'notes', ids.get(id) ?? id, noteDoc({ ...note, position: move(note.position) }));
    for (const [id, group] of Object.entries(fragment.groups)) {
      const steps = group.steps.flatMap((step) => ids.get(step) ?? []);
      add(doc, 'groups', ids.get(id) ?? id, groupDoc({ ...group, steps }));
    }
  };
  return { edit, ids: [...ids.values()] };
}

/** The selection once more, a little beside. */
export const duplicate = (preset: DrawnPreset, ids: Iterable<string>): Pasted => paste(preset, fragmentOf(preset, ids));

function mover(fragment: Fragment, at: Place | undefined): (place: Place) => Place {
  if (!at) return ({ x, y }) => ({ x: x + OFFSET, y: y + OFFSET });
  const cards = [...Object.values(fragment.steps), ...Object.values(fragment.triggers)];
  const boxes = [
    ...cards.map(({ position }) => ({ x: 0, y: 0, ...position, width: CARD_WIDTH, height: CARD_HEIGHT })),
    ...Object.values(fragment.notes).map(({ position, width, height }) => ({ ...position, width, height })),
  ];
  const [left, right] = [Math.min(...boxes.map(({ x }) => x)), Math.max(...boxes.map(({ x, width }) => x + width))];
  const [top, bottom] = [Math.min(...boxes.map(({ y }) => y)), Math.max(...boxes.map(({ y, height }) => y + height))];
  const [dx, dy] = [snap(at.x - (left + right) / 2), snap(at.y - (top + bottom) / 2)];
  return ({ x, y }) => ({ x: x + dx, y: y + dy });
}

const snap = (value: number): number => Math.round(value / GRID) * GRID;

function renamedConfig(config: Record<string, unknown>, names: ReadonlyMap<string, string>): Record<string, unknown> {
  const renamed = (value: unknown): unknown => {
    if (typeof value === 'string') return renamedIn(value, (name) => names.get(name));
    if (Array.isArray(value)) return value.map(renamed);
    if (!value || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renamed(inner)]));
  };
  return renamed(config) as Record<string, unknown>;
}
