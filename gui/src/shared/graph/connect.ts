//! What may be connected, and why not. The node's own check (`protocol/src/plan.rs`) says the same of a whole preset; this
//! answers for one wire before it is drawn.
import type { Manifest } from '../api/types';
import { type Card, ERROR_PORT, type Graph, type WireEnd } from './model';

/** The component whose `loop` port repeats what hangs on it, until its `back` port is given what came of it. */
export const LOOP = 'loop';
export const LOOP_BODY = 'loop';
export const LOOP_BACK = 'back';

/** Why two ports cannot be connected. */
export type Refusal =
  | 'same-step'
  | 'same-wire'
  | 'trigger-input'
  | 'no-port'
  | 'cycle'
  | 'into-loop'
  | 'back-from-outside'
  | 'fed-from-outside';

type Links = ReadonlyMap<string, readonly { readonly to: WireEnd; readonly port: string }[]>;

function linksOf(graph: Graph): Links {
  const links = new Map<string, { to: WireEnd; port: string }[]>();
  for (const wire of graph.wires) {
    const entry = { to: wire.to, port: wire.from.port };
    const list = links.get(wire.from.step);
    if (list) list.push(entry);
    else links.set(wire.from.step, [entry]);
  }
  return links;
}

/** Everything that `starts` lead to, themselves included; `stop` is not gone into. */
function reach(links: Links, starts: readonly string[], stop?: string): Set<string> {
  const found = new Set(starts.filter((start) => start !== stop));
  const open = [...found];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const { to } of links.get(at) ?? []) {
      if (to.step === stop || found.has(to.step)) continue;
      found.add(to.step);
      open.push(to.step);
    }
  }
  return found;
}

/** What the loop `head` repeats. */
function bodyOf(links: Links, head: string): Set<string> {
  const starts = (links.get(head) ?? []).filter((link) => link.port === LOOP_BODY).map((link) => link.to.step);
  return reach(links, starts, head);
}

const isLoop = (card: Card | undefined): boolean => card?.component === LOOP && card.kind === 'step';

/** Answers for many targets of one graph; `without` leaves out a wire that would be replaced. */
export class Connections {
  private readonly cards: ReadonlyMap<string, Card>;
  private readonly links: Links;
  private readonly graph: Graph;

  constructor(graph: Graph, without?: string) {
    this.graph = without === undefined ? graph : { ...graph, wires: graph.wires.filter((wire) => wire.id !== without) };
    this.cards = new Map(graph.cards.map((card) => [card.id, card]));
    this.links = linksOf(this.graph);
  }

  /** Why a wire from an output to an input is refused; none when it may be drawn. */
  refusal(from: WireEnd, to: WireEnd): Refusal | undefined {
    const [source, target] = [this.cards.get(from.step), this.cards.get(to.step)];
    if (!source || !target) return 'no-port';
    if (target.kind === 'trigger') return 'trigger-input';
    if (!source.outputs.includes(from.port) || !target.inputs.includes(to.port)) return 'no-port';
    const isOwnBack = from.step === to.step && isLoop(source) && from.port === LOOP_BODY && to.port === LOOP_BACK;
    if (from.step === to.step && !isOwnBack) return 'same-step';
    if (this.has(from, to)) return 'same-wire';
    if (isLoop(target) && to.port === LOOP_BACK) {
      const isInside = isOwnBack || bodyOf(this.links, to.step).has(from.step);
      return isInside ? undefined : 'back-from-outside';
    }
    return this.leadsBack(to.step, from.step) ? 'cycle' : this.crossesLoop(from, to);
  }

  /** The inputs that an output may go to, nearest first. */
  targets(from: WireEnd): WireEnd[] {
    return this.ends('inputs', from.step, (end) => this.refusal(from, end) === undefined);
  }

  /** The outputs that an input may be fed by, nearest first. */
  sources(to: WireEnd): WireEnd[] {
    return this.ends('outputs', to.step, (end) => this.refusal(end, to) === undefined);
  }

  private ends(side: 'inputs' | 'outputs', near: string, may: (end: WireEnd) => boolean): WireEnd[] {
    const here = this.cards.get(near);
    const far = (card: Card) => (here ? Math.hypot(card.x - here.x, card.y - here.y) : 0);
    return [...this.graph.cards]
      .sort((one, other) => far(one) - far(other))
      .flatMap((card) => card[side].map((port) => ({ step: card.id, port })))
      .filter(may);
  }

  private has(from: WireEnd, to: WireEnd): boolean {
    return (this.links.get(from.step) ?? []).some(
      (link) => link.port === from.port && link.to.step === to.step && link.to.port === to.port,
    );
  }

  /** Whether something leads from `start` to `end` without going back into a loop. */
  private leadsBack(start: string, end: string): boolean {
    const seen = new Set([start]);
    const open = [start];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === end) return true;
      for (const { to } of this.links.get(at) ?? []) {
        if (seen.has(to.step) || (isLoop(this.cards.get(to.step)) && to.port === LOOP_BACK)) continue;
        seen.add(to.step);
        open.push(to.step);
      }
    }
    return false;
  }

  /** What a loop repeats may be fed from inside only. Checked for every loop with the new wire in place. */
  private crossesLoop(from: WireEnd, to: WireEnd): Refusal | undefined {
    const after = new Map(this.links);
    after.set(from.step, [...(this.links.get(from.step) ?? []), { to, port: from.port }]);
    for (const head of this.cards.values()) {
      if (!isLoop(head)) continue;
      const before = bodyOf(this.links, head.id);
      const body = bodyOf(after, head.id);
      if (body.has(to.step) && !body.has(from.step) && !(from.step === head.id && from.port === LOOP_BODY))
        return 'into-loop';
      if (body.size === before.size) continue;
      // What has just come into the loop must not hang on something outside as well.
      const added = new Set([...body].filter((step) => !before.has(step)));
      for (const wire of this.graph.wires) {
        if (!added.has(wire.to.step) || body.has(wire.from.step)) continue;
        if (wire.from.step !== head.id || wire.from.port !== LOOP_BODY) return 'fed-from-outside';
      }
    }
    return undefined;
  }
}

/** Whether a new step of this component could be fed by an output, or feed an input. */
export function fits(manifest: Manifest, side: 'from' | 'to' | 'between' | 'any'): boolean {
  const [takes, gives] = [manifest.inputs.length > 0, manifest.outputs.length > 0];
  if (side === 'any') return true;
  if (side === 'from') return takes && manifest.kind !== 'trigger';
  return side === 'to' ? gives : takes && gives && manifest.kind !== 'trigger';
}

/** The port that a wire to a new step goes to, or comes from, when nobody says. */
export const mainPort = (manifest: Manifest, side: 'in' | 'out'): string | undefined => {
  const ports = side === 'in' ? manifest.inputs : manifest.outputs;
  // A loop goes on where it is done; its body is what somebody chooses to repeat.
  return (ports.find((port) => port.name === 'in' || port.name === 'out' || port.name === 'done') ?? ports[0])?.name;
};

/** The outputs of a card without `error`, which nobody means by default. */
export const plainOutput = (card: Card): string | undefined =>
  card.outputs.find((port) => port === 'out' || port === 'done') ??
  card.outputs.find((port) => port !== ERROR_PORT) ??
  card.outputs[0];
