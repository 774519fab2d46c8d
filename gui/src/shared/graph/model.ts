//! A workflow as a picture: cards with ports and wires between them. Plain data; how it is drawn is `canvas/`.
import type { Manifest, Preset, Step, Trigger } from '../api/types';

export const CARD_WIDTH = 224;
export const CARD_HEIGHT = 64;
/** Added for each port beyond two. */
export const PORT_HEIGHT = 24;
export const GRID = 16;
/** The output port that a step with `on_error: port` has. */
export const ERROR_PORT = 'error';

export type Point = { readonly x: number; readonly y: number };
export type Rect = Point & { readonly width: number; readonly height: number };

export type Card = Rect & {
  readonly id: string;
  /** What people call the step. */
  readonly name: string;
  readonly component: string;
  /** The component's name for people. */
  readonly title: string;
  readonly category: string;
  /** What of its config says most, such as the path of a file. */
  readonly summary?: string | undefined;
  readonly kind: 'step' | 'trigger';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly isPinned: boolean;
  readonly isDisabled: boolean;
  readonly note: string;
};

export type WireEnd = { readonly step: string; readonly port: string };
export type Wire = { readonly id: string; readonly from: WireEnd; readonly to: WireEnd };
export type Graph = { readonly cards: readonly Card[]; readonly wires: readonly Wire[] };
export type Manifests = ReadonlyMap<string, Manifest>;

/** The height of a card: sizes are given and never measured. */
export const cardHeight = (inputs: number, outputs: number): number =>
  CARD_HEIGHT + PORT_HEIGHT * Math.max(0, Math.max(inputs, outputs) - 2);

type WiresOf = Preset['wires'];

/** The wires of a preset. The node gives them by id; files may list them as texts, which the node never sends. */
export function wiresOf(wires: WiresOf): Wire[] {
  if (!wires || Array.isArray(wires)) return [];
  return Object.entries(wires).map(([id, wire]) => ({ id, from: wire.from, to: wire.to }));
}

/** The output ports that a config names: those of the cases of a `switch`. */
export function portsByConfig(config: Readonly<Record<string, unknown>> | undefined): string[] {
  const cases = config?.cases;
  if (!Array.isArray(cases)) return [];
  return cases.flatMap((it: unknown) =>
    it !== null && typeof it === 'object' && 'port' in it && typeof it.port === 'string' && it.port !== ''
      ? [it.port]
      : [],
  );
}

/** Whether a component's config names further ports, as those of scripts do. */
const namesOutputs = ({ config }: Manifest): boolean => {
  const { properties } = config as { properties?: Readonly<Record<string, { readonly type?: unknown } | undefined>> };
  return properties?.outputs?.type === 'array';
};

/** The output ports of a step's component and config, in the order in which they are drawn. */
export function outputsOf({ component, config }: Step | Trigger, manifest: Manifest | undefined): string[] {
  const more: unknown = manifest && namesOutputs(manifest) ? config?.outputs : undefined;
  return [
    ...(component === 'switch' ? portsByConfig(config) : []),
    ...(manifest?.outputs.map((port) => port.name) ?? []),
    ...(Array.isArray(more) ? more.filter((name) => typeof name === 'string' && name !== '') : []),
  ];
}

/** The ports of a step: those of its component and config, `error` if it has one, and those that only its wires know. */
function portsOf(
  id: string,
  of: Step | Trigger,
  manifest: Manifest | undefined,
  wires: readonly Wire[],
  hasErrorPort: boolean,
): { inputs: string[]; outputs: string[] } {
  const inputs = new Set(manifest?.inputs.map((port) => port.name) ?? []);
  const outputs = new Set(outputsOf(of, manifest));
  for (const wire of wires) {
    if (wire.to.step === id) inputs.add(wire.to.port);
    if (wire.from.step === id && wire.from.port !== ERROR_PORT) outputs.add(wire.from.port);
    if (wire.from.step === id && wire.from.port === ERROR_PORT) hasErrorPort = true;
  }
  if (hasErrorPort) outputs.add(ERROR_PORT);
  return { inputs: [...inputs], outputs: [...outputs] };
}

const SUMMARY_CHARS_MAX = 80;

/** The first text of a config that is neither code nor one of a few choices: a path, an address, a condition. */
function summaryOf({ config }: Manifest, values: Readonly<Record<string, unknown>>): string | undefined {
  const { properties } = config as { properties?: Readonly<Record<string, unknown>> };
  for (const [name, field] of Object.entries(properties ?? {})) {
    const value = values[name];
    if (typeof value !== 'string' || value.trim() === '' || field === null || typeof field !== 'object') continue;
    if ('enum' in field || 'oneOf' in field || 'x-language' in field || 'contentMediaType' in field) continue;
    return value.trim().split('\n')[0]?.slice(0, SUMMARY_CHARS_MAX);
  }
  return undefined;
}

function cardOf(
  id: string,
  of: Step | Trigger,
  kind: Card['kind'],
  manifests: Manifests,
  wires: readonly Wire[],
): Card {
  const manifest = manifests.get(of.component);
  const step = kind === 'step' ? (of as Step) : undefined;
  const { inputs, outputs } = portsOf(id, of, manifest, wires, step?.on_error === 'port');
  return {
    id,
    name: of.name || id,
    component: of.component,
    title: manifest?.title ?? of.component,
    category: manifest?.category ?? '',
    summary: manifest && summaryOf(manifest, of.config ?? {}),
    kind,
    inputs,
    outputs,
    isPinned: Boolean(step?.pin),
    isDisabled: of.disabled ?? false,
    note: of.note ?? '',
    x: of.position?.x ?? 0,
    y: of.position?.y ?? 0,
    width: CARD_WIDTH,
    height: cardHeight(inputs.length, outputs.length),
  };
}

/** Whether every step and trigger of a preset has a place. */
export const isPlaced = (preset: Preset): boolean =>
  [...Object.values(preset.steps ?? {}), ...Object.values(preset.triggers ?? {})].every((of) => of.position);

/** The cards and wires of a preset, where the preset puts them. */
export function graphOf(preset: Preset, manifests: Manifests): Graph {
  const wires = wiresOf(preset.wires);
  const byStep = new Map<string, Wire[]>();
  for (const wire of wires) {
    for (const step of new Set([wire.from.step, wire.to.step])) {
      const list = byStep.get(step);
      if (list) list.push(wire);
      else byStep.set(step, [wire]);
    }
  }
  const card = (kind: Card['kind']) => (entry: [string, Step | Trigger]) =>
    cardOf(entry[0], entry[1], kind, manifests, byStep.get(entry[0]) ?? []);
  const cards = [
    ...Object.entries(preset.triggers ?? {}).map(card('trigger')),
    ...Object.entries(preset.steps ?? {}).map(card('step')),
  ];
  const known = new Set(cards.map((it) => it.id));
  return { cards, wires: wires.filter((wire) => known.has(wire.from.step) && known.has(wire.to.step)) };
}

/** Where the middle of a port is, relative to its card. */
export function portOffset(card: Card, side: 'in' | 'out', port: string): Point {
  const ports = side === 'in' ? card.inputs : card.outputs;
  const place = Math.max(0, ports.indexOf(port));
  const count = Math.max(1, ports.length);
  return { x: side === 'in' ? 0 : card.width, y: (card.height * (place + 0.5)) / count };
}
