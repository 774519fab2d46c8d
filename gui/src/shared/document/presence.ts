//! Who else looks at a document, and what they do there: automerge-repo's ephemeral messages, which the node passes on and nobody keeps.
//! What comes in is from others' browsers: it is checked, and the names are the node's.
import type { DocHandle, DocHandleEphemeralMessagePayload } from '@automerge/automerge-repo/slim';
import type { DocPlace, OwnPresence, Peer, Place, PresetDoc } from './types';

const KIND = 'flowork presence 1';
/** The shortest time between two messages: 20 a second. */
const SEND_MS = 50;
const HEARTBEAT_MS = 5_000;
/** After how long somebody who is not heard of is gone. */
const LIFETIME_MS = 15_000;
/** The most that is believed of one peer. */
const LIST_MAX = 1_000;
const PEERS_MAX = 100;

/** For marks and names of peers: each at least 4:1 on both themes' backgrounds, 4.5:1 under white text. */
export const PEER_COLOURS = [
  '#2372e1',
  '#c74f1b',
  '#0b8379',
  '#bd44a7',
  '#837613',
  '#815ed9',
  '#368530',
  '#d33b61',
  '#177ea3',
  '#986c3e',
] as const;

type Known = { readonly presence: OwnPresence; readonly colour: string; heard: number };

export class PresenceBoard {
  readonly #handle: DocHandle<PresetDoc>;
  readonly #own: string;
  readonly #changed: () => void;
  readonly #known = new Map<string, Known>();
  #names: ReadonlyMap<string, string> = new Map();
  #presence: OwnPresence = { selection: [] };
  #sent = 0;
  #sending: ReturnType<typeof setTimeout> | undefined;
  readonly #beat: ReturnType<typeof setInterval>;
  #peers: readonly Peer[] | undefined;

  /** `strangers` is called when somebody is heard whose name is not known. */
  constructor(
    handle: DocHandle<PresetDoc>,
    ownPeerId: string,
    changed: () => void,
    readonly strangers: () => void,
  ) {
    this.#handle = handle;
    this.#own = ownPeerId;
    this.#changed = changed;
    handle.on('ephemeral-message', this.#heard);
    this.#beat = setInterval(this.#tick, HEARTBEAT_MS);
    globalThis.addEventListener?.('pagehide', this.#goodbye);
  }

  close(): void {
    clearTimeout(this.#sending);
    clearInterval(this.#beat);
    globalThis.removeEventListener?.('pagehide', this.#goodbye);
    this.#handle.off('ephemeral-message', this.#heard);
    this.#goodbye();
  }

  readonly #goodbye = (): void => this.#handle.broadcast({ kind: KIND, bye: true });

  /** Tells those who are there that somebody came. */
  hello(): void {
    this.#soon();
  }

  /** Tells the others what is selected here and so on; at most 20 times a second, the newest counts. */
  present(own: OwnPresence): void {
    this.#presence = own;
    this.#soon();
  }

  /** Those who are there, with names, in an order that stays. */
  peers(): readonly Peer[] {
    this.#peers ??= [...this.#known]
      .filter(([id]) => this.#names.has(id))
      .map(([id, { presence, colour }]) => ({ id, name: this.#names.get(id) ?? '', colour, ...presence }))
      .sort((one, other) => one.name.localeCompare(other.name) || (one.id < other.id ? -1 : 1));
    return this.#peers;
  }

  /** The node said who has which connection. Who has none is gone. */
  named(names: ReadonlyMap<string, string>): void {
    this.#names = names;
    for (const id of this.#known.keys()) if (!names.has(id)) this.#known.delete(id);
    this.#tell();
  }

  /** Whether somebody is there whose coming and going has to be followed. */
  get hasCompany(): boolean {
    return this.#known.size > 0;
  }

  /** The connection was lost: nobody can be seen. */
  alone(): void {
    if (this.#known.size === 0) return;
    this.#known.clear();
    this.#tell();
  }

  #tell(): void {
    this.#peers = undefined;
    this.#changed();
  }

  #soon(): void {
    if (this.#sending !== undefined) return;
    const wait = Math.max(0, this.#sent + SEND_MS - Date.now());
    this.#sending = setTimeout(this.#send, wait);
  }

  readonly #send = (): void => {
    this.#sending = undefined;
    this.#sent = Date.now();
    this.#handle.broadcast({ kind: KIND, ...this.#presence });
  };

  readonly #tick = (): void => {
    const oldest = Date.now() - LIFETIME_MS;
    let isLess = false;
    for (const [id, { heard }] of this.#known)
      if (heard < oldest) {
        this.#known.delete(id);
        isLess = true;
      }
    if (isLess) this.#tell();
    this.#soon();
  };

  readonly #heard = ({ senderId, message }: DocHandleEphemeralMessagePayload<PresetDoc>): void => {
    if (senderId === this.#own || !isRecord(message) || message.kind !== KIND) return;
    const known = this.#known.get(senderId);
    if (message.bye === true) {
      if (this.#known.delete(senderId)) this.#tell();
      return;
    }
    if (!known && this.#known.size >= PEERS_MAX) return;
    const colour = known?.colour ?? this.#colour(senderId);
    this.#known.set(senderId, { presence: presenceIn(message), colour, heard: Date.now() });
    // Who is new has not heard of us yet.
    if (!known) this.#soon();
    if (!this.#names.has(senderId)) this.strangers();
    else this.#tell();
  };

  #colour(id: string): string {
    const used = new Set([...this.#known.values()].map((known) => known.colour));
    let first = 0;
    for (const letter of id) first = (first * 31 + letter.charCodeAt(0)) >>> 0;
    const turned = PEER_COLOURS.map(
      (_, index) => PEER_COLOURS[(first + index) % PEER_COLOURS.length] ?? PEER_COLOURS[0],
    );
    return turned.find((colour) => !used.has(colour)) ?? turned[0] ?? PEER_COLOURS[0];
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a message says, as far as it has the form that it should. */
function presenceIn(message: Record<string, unknown>): OwnPresence {
  const { selection, field, cursor, drag } = message;
  const place = placeIn(cursor);
  const fieldPlace = fieldIn(field);
  const dragged = dragIn(drag);
  return {
    selection: Array.isArray(selection)
      ? selection.filter((id): id is string => typeof id === 'string').slice(0, LIST_MAX)
      : [],
    ...(fieldPlace ? { field: fieldPlace } : {}),
    ...(place ? { cursor: place } : {}),
    ...(dragged ? { drag: dragged } : {}),
  };
}

function placeIn(value: unknown): Place | undefined {
  if (!isRecord(value)) return undefined;
  const { x, y } = value;
  return Number.isFinite(x) && Number.isFinite(y) ? { x: Number(x), y: Number(y) } : undefined;
}

function fieldIn(value: unknown): DocPlace | undefined {
  if (!Array.isArray(value) || value.length > 64) return undefined;
  const isPlace = value.every((key) => typeof key === 'string' || typeof key === 'number');
  return isPlace ? (value as DocPlace) : undefined;
}

function dragIn(value: unknown): Record<string, Place> | undefined {
  if (!isRecord(value)) return undefined;
  const made: Record<string, Place> = {};
  for (const [id, at] of Object.entries(value).slice(0, LIST_MAX)) {
    const place = placeIn(at);
    if (place) made[id] = place;
  }
  return Object.keys(made).length > 0 ? made : undefined;
}
