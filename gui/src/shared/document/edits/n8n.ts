//! n8n's JSON as a fragment of ours. What has an equivalent becomes it; the rest keeps its place and its wires as a step that passes its
//! input on, with a note that says what was not known, so that nothing is lost in silence.

import type { Item, Step, Trigger } from '../../api/types';
import { freePlace } from '../../graph/grid';
import { CARD_HEIGHT, CARD_WIDTH, type Rect } from '../../graph/model';
import type { DrawnNote } from '../types';
import { isMap } from '../values';
import type { Fragment } from './fragment';
import { KINDS, type Mapped } from './n8n-kinds';

/** What the notes say, in the language of the person. */
export type N8nWords = {
  unknown(name: string, kind: string): string;
  credentials(names: string): string;
};

type Node = {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly version: number;
  readonly position: { readonly x: number; readonly y: number };
  readonly of: Record<string, unknown>;
};

/** n8n's cards are narrower than ours and stand closer side by side. */
const WIDER = 1.6;

/** Whether this is what n8n copies or exports. */
export function isN8n(said: unknown): boolean {
  return isMap(said) && Array.isArray(said.nodes) && isMap(said.connections);
}

export function fromN8n(said: unknown, words: N8nWords): Fragment {
  const { nodes: given, connections, pinData } = said as Record<string, unknown>;
  const nodes = (given as unknown[]).flatMap((of, index) => nodeOf(of, index));
  const steps: Record<string, Step> = {};
  const triggers: Record<string, Trigger> = {};
  const notes: Record<string, DrawnNote> = {};
  const unknown: [string, DrawnNote][] = [];
  const mapped = new Map<string, { readonly node: Node; readonly to: Mapped }>();
  for (const node of nodes) {
    if (kindOf(node) === 'stickyNote') {
      notes[node.id] = stickyNote(node);
      continue;
    }
    const known = KINDS[kindOf(node)]?.(parametersOf(node), node.name, node.version);
    if (!known) unknown.push([`${node.id}-note`, unknownNote(node, words)]);
    // What starts runs and is not known has no input that it could pass on.
    if (!known && isTrigger(node)) continue;
    const to = known ?? { component: 'no-op', config: {} };
    mapped.set(node.name, { node, to });
    if (to.kind === 'trigger') triggers[node.id] = cardOf(node, to, words);
    else steps[node.id] = { ...cardOf(node, to, words), ...optionsOf(node), ...pinOf(node, to, pinData) };
  }
  // What is said below a card must not lie on the card of the next row.
  const taken: Rect[] = nodes
    .filter((node) => kindOf(node) !== 'stickyNote')
    .map(({ position }) => ({ ...position, width: CARD_WIDTH, height: CARD_HEIGHT }));
  for (const [id, note] of unknown) {
    const { width, height } = note;
    const position = freePlace(taken, { ...note.position, width, height });
    notes[id] = { ...note, position };
    taken.push({ ...position, width, height });
  }
  return {
    flowork: 'fragment/1',
    steps,
    triggers,
    notes,
    groups: {},
    variables: {},
    wires: wiresIn(connections, mapped),
  };
}

function nodeOf(of: unknown, index: number): Node[] {
  if (!isMap(of) || typeof of.name !== 'string' || typeof of.type !== 'string') return [];
  const [x, y] = Array.isArray(of.position) ? of.position.map(Number) : [index * 240, 0];
  const id = `n${index}-${of.name}`;
  const version = typeof of.typeVersion === 'number' ? of.typeVersion : 1;
  return [{ id, name: of.name, type: of.type, version, position: { x: Math.round((x || 0) * WIDER), y: y || 0 }, of }];
}

const kindOf = (node: Node): string => node.type.split('.').at(-1) ?? node.type;
const isTrigger = (node: Node): boolean => /trigger$|^cron$|^interval$/i.test(kindOf(node));
const parametersOf = (node: Node): Record<string, unknown> => (isMap(node.of.parameters) ? node.of.parameters : {});

function cardOf(node: Node, to: Mapped, words: N8nWords): Trigger {
  const note = typeof node.of.notes === 'string' ? [node.of.notes] : [];
  const credentials = isMap(node.of.credentials) ? Object.values(node.of.credentials) : [];
  const names = credentials.flatMap((it) => (isMap(it) && typeof it.name === 'string' ? [it.name] : []));
  if (names.length > 0) note.push(words.credentials(names.join(', ')));
  return {
    component: to.component,
    name: node.name,
    config: to.config,
    position: { ...node.position },
    ...(node.of.disabled === true ? { disabled: true } : {}),
    ...(note.length > 0 ? { note: note.join('\n\n') } : {}),
  };
}

/** What to do on errors. */
function optionsOf({ of }: Node): Partial<Step> {
  const made: Partial<Step> = {};
  if (of.onError === 'continueErrorOutput') made.on_error = 'port';
  else if (of.onError === 'continueRegularOutput' || of.continueOnFail === true) made.on_error = 'continue';
  if (of.retryOnFail === true) {
    const tries = typeof of.maxTries === 'number' ? of.maxTries : 3;
    const first = typeof of.waitBetweenTries === 'number' ? of.waitBetweenTries : 1_000;
    made.retry = { tries, first_ms: first, factor: 1 };
  }
  return made;
}

function pinOf(node: Node, to: Mapped, pinData: unknown): Partial<Step> {
  const given = isMap(pinData) ? pinData[node.name] : undefined;
  if (!Array.isArray(given) || given.length === 0) return {};
  const items = given.map((item): Item => ({ json: isMap(item) && 'json' in item ? item.json : item }));
  return { pin: { [to.outputs?.[0] ?? 'out']: items } };
}

const NOTE_COLOURS = ['yellow', 'orange', 'red', 'green', 'blue', 'violet', 'grey'];

function stickyNote(node: Node): DrawnNote {
  const { content, width, height, color } = parametersOf(node);
  return {
    text: typeof content === 'string' ? content : '',
    position: node.position,
    width: Math.round((typeof width === 'number' ? width : 240) * WIDER),
    height: typeof height === 'number' ? height : 160,
    ...(typeof color === 'number' ? { colour: NOTE_COLOURS[color - 1] ?? 'yellow' } : {}),
  };
}

function unknownNote(node: Node, words: N8nWords): DrawnNote {
  const settings = JSON.stringify(parametersOf(node), undefined, 2);
  const text = `${words.unknown(node.name, node.type)}\n\n\`\`\`json\n${settings}\n\`\`\``;
  const position = { x: node.position.x, y: node.position.y + CARD_HEIGHT + 16 };
  return { text, position, width: 320, height: 160 };
}

type Ends = Fragment['wires'][string];

function wiresIn(
  connections: unknown,
  mapped: ReadonlyMap<string, { readonly node: Node; readonly to: Mapped }>,
): Record<string, Ends> {
  const made: Ends[] = [];
  for (const [name, outputs] of Object.entries(isMap(connections) ? connections : {})) {
    const from = mapped.get(name);
    const main = isMap(outputs) && Array.isArray(outputs.main) ? outputs.main : [];
    if (!from) continue;
    const ports = portsOut(from.node, from.to);
    for (const [index, targets] of main.entries())
      for (const target of Array.isArray(targets) ? targets.filter(isMap) : []) {
        const to = mapped.get(String(target.node));
        const port = ports[index];
        if (!to || to.to.kind === 'trigger' || !port) continue;
        const inputs = to.to.inputs ?? ['in'];
        const input = inputs[Number(target.index ?? 0)] ?? inputs[0] ?? 'in';
        made.push({ from: { step: from.node.id, port }, to: { step: to.node.id, port: input } });
      }
  }
  const loops = [...mapped.values()].filter(({ to }) => to.component === 'loop').map(({ node }) => node.id);
  return Object.fromEntries(loops.reduce(withBack, made).map((wire, index) => [`w${index}`, wire]));
}

/** Output ports in n8n's order; one more for errors where the step has that. */
function portsOut(node: Node, to: Mapped): string[] {
  const ports = [...(to.outputs ?? ['out'])];
  return node.of.onError === 'continueErrorOutput' ? [...ports, 'error'] : ports;
}

/** In n8n a loop has one input; what comes from its own rounds goes to `back` here. */
function withBack(wires: Ends[], loop: string): Ends[] {
  const inside = new Set<string>();
  for (const { from, to } of wires) if (from.step === loop && from.port === 'loop') inside.add(to.step);
  for (const step of inside)
    for (const { from, to } of wires) if (from.step === step && to.step !== loop) inside.add(to.step);
  return wires.map((wire) =>
    wire.to.step === loop && inside.has(wire.from.step) ? { ...wire, to: { step: loop, port: 'back' } } : wire,
  );
}
