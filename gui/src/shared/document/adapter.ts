//! The way to the node: automerge-repo's WebSocket protocol, version 1. Each connection begins with a ticket, for which the session is
//! asked; who lost the session waits until there is another one. It also hears what the node says about documents: which heads it has,
//! and which documents it does not have.
import { decodeSyncMessage, type Heads } from '@automerge/automerge/slim';
import { cbor, type Message, NetworkAdapter, type PeerId, type PeerMetadata } from '@automerge/automerge-repo/slim';

export type WayState = 'opening' | 'connected' | 'offline' | 'signed-out';

/** What the adapter needs from outside; tests give their own. */
export type Surroundings = {
  /** The address for one connection. Rejects with `NotSignedIn` when nobody is signed in. */
  address(signal: AbortSignal): Promise<string>;
  socket(address: string): WebSocket;
  /** Calls back when trying again at once makes sense: online again, tab visible again. */
  onHope(listener: () => void): () => void;
  /** Calls back when a connection that looks open may be dead: the network went, the machine slept. */
  onDoubt(listener: () => void): () => void;
  /** Calls back when somebody signs in or out. */
  onSession(listener: () => void): () => void;
  random(): number;
};

/** Nobody is signed in. */
export class NotSignedIn extends Error {
  override name = 'NotSignedIn';
}

/** What a message of the node brings for one document. */
export type Arriving = { readonly heads: Heads; readonly changes: readonly Uint8Array[] };
/** What the node says about one document. */
export type Said = { readonly heads: Heads } | 'not here';

const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 15_000;
/** How long a connection may take to be answered. */
const JOIN_MS_MAX = 10_000;

type Told = Message & {
  readonly peerMetadata?: PeerMetadata;
  readonly message?: string;
};

function decoded(data: ArrayBuffer): Told | undefined {
  try {
    return cbor.decode(new Uint8Array(data)) as Told;
  } catch {
    return undefined;
  }
}

export class NodeAdapter extends NetworkAdapter {
  readonly #around: Surroundings;
  readonly #stateListeners = new Set<(state: WayState) => void>();
  readonly #saidListeners = new Set<(document: string, said: Said) => void>();
  readonly #arrivingListeners = new Set<(document: string, arriving: Arriving) => void>();
  #state: WayState = 'opening';
  #socket: WebSocket | undefined;
  #asking: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #node: PeerId | undefined;
  #isReady = false;
  #ready = (): void => {};
  /** Until the node has answered once: whoever looks for a document before would be told that there is none (automerge-repo#155). */
  readonly #readied = new Promise<void>((resolve) => {
    this.#ready = resolve;
  });
  #leave: (() => void)[] = [];

  constructor(around: Surroundings) {
    super();
    this.#around = around;
  }

  isReady(): boolean {
    return this.#isReady;
  }
  whenReady(): Promise<void> {
    return this.#readied;
  }

  state(): WayState {
    return this.#state;
  }
  onState(listener: (state: WayState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }
  /** Hears what the node says about documents. */
  onSaid(listener: (document: string, said: Said) => void): () => void {
    this.#saidListeners.add(listener);
    return () => this.#saidListeners.delete(listener);
  }

  /** Hears what a message brings before the repo does. */
  onArriving(listener: (document: string, arriving: Arriving) => void): () => void {
    this.#arrivingListeners.add(listener);
    return () => this.#arrivingListeners.delete(listener);
  }

  connect(peerId: PeerId, peerMetadata: PeerMetadata = {}): void {
    this.peerId = peerId;
    this.peerMetadata = peerMetadata;
    this.#leave = [
      this.#around.onHope(this.#hope),
      this.#around.onDoubt(this.#doubt),
      this.#around.onSession(this.#begin),
    ];
    this.#begin();
  }

  disconnect(): void {
    for (const leave of this.#leave.splice(0)) leave();
    this.#stop();
    this.#become('offline');
  }

  send(message: Message): void {
    // What cannot be sent now is sent by the synchronisation after the next connection.
    if (this.#socket?.readyState === OPEN && this.#node) this.#post(message);
  }

  #post(message: object): void {
    this.#socket?.send(new Uint8Array(cbor.encode(message)));
  }

  readonly #hope = (): void => {
    if (this.#state === 'offline') this.#begin();
  };

  readonly #doubt = (): void => {
    if (this.#state === 'connected') this.#begin();
  };

  /** Connects now, whatever was before. */
  readonly #begin = (): void => {
    this.#stop();
    if (this.#state === 'connected') this.#become('opening');
    const asking = new AbortController();
    this.#asking = asking;
    this.#timer = setTimeout(() => asking.signal.aborted || this.#failed(), JOIN_MS_MAX);
    this.#around.address(asking.signal).then(
      (address) => {
        if (!asking.signal.aborted) this.#open(address);
      },
      (error: unknown) => {
        if (asking.signal.aborted) return;
        if (error instanceof NotSignedIn) {
          this.#stop();
          this.#become('signed-out');
        } else this.#failed();
      },
    );
  };

  #open(address: string): void {
    const socket = this.#around.socket(address);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    const isMine = (): boolean => this.#socket === socket;
    socket.onopen = () => {
      if (!isMine()) return;
      const { peerId: senderId, peerMetadata } = this;
      this.#post({ type: 'join', senderId, peerMetadata, supportedProtocolVersions: ['1'] });
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (isMine()) this.#heard(data);
    };
    // An error is always followed by a close.
    socket.onerror = () => {};
    socket.onclose = ({ code }: { code: number }) => {
      if (!isMine()) return;
      // The session is over or may do something else now: asking for a ticket tells which.
      if (code === SESSION_CHANGED && this.#node) this.#begin();
      else this.#failed();
    };
  }

  #heard(data: ArrayBuffer): void {
    const message = decoded(data);
    if (!message || message.type === 'error') {
      this.#failed();
      return;
    }
    if (message.type === 'peer') {
      this.#joined(message);
      return;
    }
    const { documentId, data: sync } = message;
    const isSync = (message.type === 'sync' || message.type === 'request') && sync !== undefined;
    const arriving = documentId && isSync ? decodeSyncMessage(sync) : undefined;
    if (documentId && arriving) for (const listener of this.#arrivingListeners) listener(documentId, arriving);
    this.emit('message', message);
    if (documentId && arriving) this.#say(documentId, { heads: arriving.heads });
    if (documentId && message.type === 'doc-unavailable') this.#say(documentId, 'not here');
  }

  #say(document: string, said: Said): void {
    for (const listener of this.#saidListeners) listener(document, said);
  }

  #joined({ senderId, peerMetadata = {} }: Told): void {
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#node = senderId;
    this.#isReady = true;
    this.#ready();
    this.#become('connected');
    this.emit('peer-candidate', { peerId: senderId, peerMetadata });
  }

  /** Lets go of the connection and tries again after a while. */
  #failed(): void {
    this.#stop();
    this.#become('offline');
    const longest = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#tries);
    this.#tries += 1;
    // Half of the pause is by chance, so that many tabs do not come back at once.
    this.#timer = setTimeout(this.#begin, longest / 2 + (longest / 2) * this.#around.random());
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    const node = this.#node;
    this.#node = undefined;
    if (node) this.emit('peer-disconnected', { peerId: node });
  }

  #become(state: WayState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener(state);
  }
}

/** `WebSocket.OPEN`, which is no global everywhere. */
const OPEN = 1;
/** The node's close code for a session that ended or changed its role. */
const SESSION_CHANGED = 4401;
