//! What may be connected, and why not. The node's own check (`protocol/src/plan.rs`) says the same of a whole preset; this
//! answers for one wire before it is drawn.
import type { Manifest } from '../api/types';
import { type Card, ERROR_PORT, type Graph, type Wire, type WireEnd } from './model';

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

type Link = { readonly step: string; readonly port: string; readonly isBack: boolean };
type Links = ReadonlyMap<string, readonly Link[]>;

/** Everything that `starts` lead to, themselves included; `stop` is not gone into. */
function reach(links: Links, starts: readonly string[], follow: (link: Link) => boolean): Set<string> {
  const found = new Set(starts);
  const open = [...found];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const link of links.get(at) ?? []) {
      if (found.has(link.step) || !follow(link)) continue;
      found.add(link.step);
      open.push(link.step);
    }
  }
  return found;
}

const onward = (link: Link): boolean => !link.isBack;

const keyOf = (from: WireEnd, to: WireEnd): string => `${from.step} ${from.port} ${to.step} ${to.port}`;

function add(links: Map<string, Link[]>, step: string, link: Link): void {
  const list = links.get(step);
  if (list) list.push(link);
  else links.set(step, [link]);
}

const isLoop = (card: Card | undefined): boolean => card?.component === LOOP && card.kind === 'step';

/** Answers for many targets of one graph; `without` leaves out a wire that would be replaced. */
export class Connections {
  private readonly cards: ReadonlyMap<string, Card>;
  private readonly down = new Map<string, Link[]>();
  private readonly up = new Map<string, Link[]>();
  private readonly wires: readonly Wire[];
  private readonly drawn: ReadonlySet<string>;
  /** What each loop repeats. */
  private readonly bodies: ReadonlyMap<string, ReadonlySet<string>>;
  private readonly before = new Map<string, ReadonlySet<string>>();
  private readonly after = new Map<string, ReadonlySet<string>>();

  constructor(graph: Graph, without?: string) {
    this.wires = without === undefined ? graph.wires : graph.wires.filter((wire) => wire.id !== without);
    this.cards = new Map(graph.cards.map((card) => [card.id, card]));
    this.drawn = new Set(this.wires.map((wire) => keyOf(wire.from, wire.to)));
    for (const { from, to } of this.wires) {
      const isBack = isLoop(this.cards.get(to.step)) && to.port === LOOP_BACK;
      add(this.down, from.step, { step: to.step, port: from.port, isBack });
      add(this.up, to.step, { step: from.step, port: from.port, isBack });
    }
    const heads = graph.cards.filter(isLoop);
    this.bodies = new Map(heads.map((head) => [head.id, this.bodyOf(head.id)]));
  }

  /** Why a wire from an output to an input is refused; none when it may be drawn. */
  refusal(from: WireEnd, to: WireEnd): Refusal | undefined {
    const [source, target] = [this.cards.get(from.step), this.cards.get(to.step)];
    if (!source || !target) return 'no-port';
    if (target.kind === 'trigger') return 'trigger-input';
    if (!source.outputs.includes(from.port) || !target.inputs.includes(to.port)) return 'no-port';
    const isOwnBack = from.step === to.step && isLoop(source) && from.port === LOOP_BODY && to.port === LOOP_BACK;
    if (from.step === to.step && !isOwnBack) return 'same-step';
    if (this.drawn.has(keyOf(from, to))) return 'same-wire';
    if (isLoop(target) && to.port === LOOP_BACK) {
      const isInside = isOwnBack || this.bodies.get(to.step)?.has(from.step);
      return isInside ? undefined : 'back-from-outside';
    }
    return this.leads(to.step, from.step) ? 'cycle' : this.crossesLoop(from, to);
  }

  /** The inputs that an output may go to, nearest first. */
  targets(from: WireEnd): WireEnd[] {
    this.walk(this.before, this.up, from.step);
    return this.ends('inputs', from.step, (end) => this.refusal(from, end) === undefined);
  }

  /** The outputs that an input may be fed by, nearest first. */
  sources(to: WireEnd): WireEnd[] {
    this.walk(this.after, this.down, to.step);
    return this.ends('outputs', to.step, (end) => this.refusal(end, to) === undefined);
  }

  private ends(side: 'inputs' | 'outputs', near: string, may: (end: WireEnd) => boolean): WireEnd[] {
    const here = this.cards.get(near);
    const far = (card: Card) => (here ? Math.hypot(card.x - here.x, card.y - here.y) : 0);
    return [...this.cards.values()]
      .sort((one, other) => far(one) - far(other))
      .flatMap((card) => card[side].map((port) => ({ step: card.id, port })))
      .filter(may);
  }

  private bodyOf(head: string): Set<string> {
    const starts = (this.down.get(head) ?? []).filter((link) => link.port === LOOP_BODY && link.step !== head);
    return reach(
      this.down,
      starts.map((link) => link.step),
      (link) => link.step !== head,
    );
  }

  private walk(kept: Map<string, ReadonlySet<string>>, links: Links, step: string): ReadonlySet<string> {
    const found = kept.get(step) ?? reach(links, [step], onward);
    kept.set(step, found);
    return found;
  }

  /** Whether something leads from `start` to `end` without going back into a loop. */
  private leads(start: string, end: string): boolean {
    const known = this.after.get(start);
    return known ? known.has(end) : this.walk(this.before, this.up, end).has(start);
  }

  /** What a loop repeats may be fed from inside only. */
  private crossesLoop(from: WireEnd, to: WireEnd): Refusal | undefined {
    for (const [head, body] of this.bodies) {
      const isInside = body.has(from.step) || (from.step === head && from.port === LOOP_BODY);
      if (body.has(to.step) && !isInside) return 'into-loop';
      if (!isInside || body.has(to.step)) continue;
      // What comes into the loop by this wire must not hang on something outside as well.
      const added = reach(this.down, [to.step], (link) => link.step !== head && !body.has(link.step));
      const isFed = this.wires.some(
        (wire) =>
          added.has(wire.to.step) &&
          !added.has(wire.from.step) &&
          !body.has(wire.from.step) &&
          !(wire.from.step === head && wire.from.port === LOOP_BODY),
      );
      if (isFed) return 'fed-from-outside';
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
