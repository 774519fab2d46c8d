//! What the way to the node says about one document: whether it is there, which heads the node has, who else is there, and whether this
//! session may edit it.
import type { Heads } from '@automerge/automerge/slim';
import type { DocHandle, DocumentId } from '@automerge/automerge-repo/slim';
import type { Present } from '../api/requests/present';
import type { Connection } from './handle-editor';
import { PresenceBoard } from './presence';
import type { NodeDocuments } from './repo';
import type { OwnPresence, Peer, PresetDoc } from './types';

/** How often the node is asked who is there while somebody is. */
const ASK_MS = 15_000;
const ASK_AGAIN_MS_MIN = 200;
const ASK_AGAIN_MS_MAX = 5_000;

/** Asks the node who has the document open. */
export type Who = (document: string, signal: AbortSignal) => Promise<readonly Present[]>;

export class NodeConnection implements Connection {
  readonly #documents: NodeDocuments;
  readonly #id: string;
  readonly #who: Who;
  readonly #listeners = new Set<() => void>();
  readonly #board: PresenceBoard;
  readonly #leave: (() => void)[];
  #heads: Heads | undefined;
  #isGone = false;
  /** Whether the node counts us among those who have the document open, on this connection. */
  #isKnown = false;
  /** Undefined until the node has said it once; what it said is believed until it says something else. */
  #mayEdit: boolean | undefined;
  #asking: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;

  constructor(documents: NodeDocuments, handle: DocHandle<PresetDoc>, who: Who) {
    this.#documents = documents;
    this.#id = handle.documentId;
    this.#who = who;
    this.#board = new PresenceBoard(handle, documents.repo.peerId, this.#tell, () => this.#askSoon(0));
    this.#leave = [
      documents.way.onState(() => this.#onState()),
      documents.drafts?.subscribe(this.#tell) ?? (() => {}),
      documents.way.onSaid((document, said) => {
        if (document !== this.#id) return;
        this.#isGone = said === 'not here';
        if (said !== 'not here') this.#heads = said.heads;
        // The node counts us among those who are there from the first message on.
        if (!this.#isKnown) this.#askSoon(0);
        this.#tell();
      }),
    ];
    this.#onState();
  }

  #onState(): void {
    if (this.#documents.way.state() === 'connected') {
      this.#tries = 0;
      this.#askSoon(0);
    } else {
      this.#heads = undefined;
      this.#isKnown = false;
      this.#stopAsking();
      this.#board.alone();
    }
    this.#tell();
  }

  readonly #tell = (): void => {
    for (const listener of [...this.#listeners]) listener();
  };

  #stopAsking(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asking?.abort();
    this.#asking = undefined;
  }

  #askSoon(ms: number): void {
    if (this.#documents.way.state() !== 'connected' || this.#isGone) return;
    if (ms === 0 && this.#asking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    const present = await this.#who(this.#id, asking.signal).catch(() => undefined);
    if (asking.signal.aborted) return;
    this.#asking = undefined;
    const own = present?.find(({ peer_id }) => peer_id === this.#documents.repo.peerId);
    if (present) this.#board.named(new Map(present.map(({ peer_id, name }) => [peer_id, name])));
    if (own && own.may_edit !== this.#mayEdit) {
      this.#mayEdit = own.may_edit;
      this.#tell();
    }
    if (own) {
      if (!this.#isKnown) this.#board.hello();
      this.#isKnown = true;
      this.#tries = 0;
      if (this.#board.hasCompany) this.#askSoon(ASK_MS);
      return;
    }
    // The node did not answer, or does not count us yet.
    this.#askSoon(Math.min(ASK_AGAIN_MS_MAX, ASK_AGAIN_MS_MIN * 2 ** this.#tries));
    this.#tries += 1;
  }

  state(): ReturnType<Connection['state']> {
    return this.#isGone ? 'gone' : this.#documents.way.state();
  }
  mayEdit(): boolean | undefined {
    return this.#mayEdit;
  }
  isKept(): boolean {
    return this.#documents.drafts?.isKept() ?? false;
  }
  hasUnsent(): boolean {
    return this.#documents.unsent?.has(this.#id) ?? false;
  }
  unsent(isUnsent: boolean): void {
    this.#documents.unsent?.set(this.#id, isUnsent);
  }
  forget(): void {
    this.unsent(false);
    this.#documents.repo.delete(this.#id as DocumentId);
  }
  nodeHeads(): Heads | undefined {
    return this.#heads;
  }
  peers(): readonly Peer[] {
    return this.#board.peers();
  }
  present(own: OwnPresence): void {
    this.#board.present(own);
  }
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const leave of this.#leave) leave();
    this.#stopAsking();
    this.#board.close();
    this.#listeners.clear();
  }
}
