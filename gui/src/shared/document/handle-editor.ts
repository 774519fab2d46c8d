//! The editor that the screens hold: a document that may still be loading, and what its connection to the node says about it.
import { getChangesMetaSince, type Heads, hasHeads } from '@automerge/automerge/slim';
import type { DocHandle } from '@automerge/automerge-repo/slim';
import type { PlainKey } from '../i18n/messages';
import { SharedDoc } from './shared-doc';
import type { TextChange } from './text-change';
import type {
  DocPlace,
  DrawnPreset,
  Edit,
  OwnPresence,
  Peer,
  PresetDoc,
  PresetEditor,
  Snapshot,
  SyncState,
  Undone,
} from './types';

/** What the way to the node says about one document. */
export interface Connection {
  /** `connected`: the node talks to us. `opening`: the first try has not come to an end. */
  state(): 'opening' | 'connected' | 'offline' | 'signed-out' | 'gone';
  /** Whether this session may edit; undefined until the node has said it. */
  mayEdit(): boolean | undefined;
  /** Whether this browser keeps what the node has not got. */
  isKept(): boolean;
  /** Whether this browser holds edits that the node has not got. */
  hasUnsent(): boolean;
  /** Remembers whether it does. */
  unsent(isUnsent: boolean): void;
  /** Drops what this browser keeps of the document. */
  forget(): void;
  /** The heads that the node said it has, on this connection. */
  nodeHeads(): Heads | undefined;
  peers(): readonly Peer[];
  present(own: OwnPresence): void;
  subscribe(listener: () => void): () => void;
  close(): void;
}

const NOTHING: Snapshot = { preset: { flowork: 'preset/1', name: 'unnamed' }, heads: [] };
const NOBODY: readonly Peer[] = [];
const UNDONE_NOTHING: Undone = { done: false, kept: [] };
/** How long `saved` waits unless told otherwise. */
const SAVED_MS = 10_000;

/** A document that is being opened. `connection` is missing where no node has it. */
export type Opening = { readonly connection?: Connection; readonly ready: Promise<DocHandle<PresetDoc>> };

export class HandleEditor implements PresetEditor {
  readonly #listeners = new Set<() => void>();
  readonly #clock: () => number;
  #connection: Connection | undefined;
  #isLocal = false;
  #presence: OwnPresence | undefined;
  #leave: (() => void) | undefined;
  #doc: SharedDoc | undefined;
  #isClosed = false;
  #isNone = false;
  #waiting: (() => void)[] = [];

  /** An opening that rejects means that there can be no such document. */
  constructor(
    readonly id: string,
    opening: Promise<Opening>,
    clock: () => number = Date.now,
  ) {
    this.#clock = clock;
    opening.then(
      (opened) => this.#opened(opened),
      () => {
        this.#isNone = true;
        this.#tell();
      },
    );
  }

  #opened({ connection, ready }: Opening): void {
    if (this.#isClosed) {
      connection?.close();
      return;
    }
    this.#connection = connection;
    this.#isLocal = connection === undefined;
    this.#leave = connection?.subscribe(this.#tell);
    if (this.#presence) connection?.present(this.#presence);
    this.#tell();
    void ready.then((handle) => {
      if (this.#isClosed) return;
      this.#doc = new SharedDoc(handle, this.#tell, this.#clock);
      for (const done of this.#waiting.splice(0)) done();
      this.#tell();
    });
  }

  readonly #tell = (): void => {
    if (this.#connection && this.sync() === 'live') this.#connection.unsent(false);
    for (const listener of [...this.#listeners]) listener();
  };

  snapshot(): Snapshot {
    return this.#doc?.snapshot() ?? NOTHING;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when there is a document to edit. */
  ready(): Promise<void> {
    if (this.#doc) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  sync(): SyncState {
    if (this.#isNone) return 'gone';
    const way = this.#connection?.state() ?? (this.#isLocal ? 'connected' : 'opening');
    if (way !== 'connected') return way;
    if (!this.#doc) return 'opening';
    if (this.#isLocal) return 'live';
    const mayEdit = this.#connection?.mayEdit();
    if (mayEdit === undefined) return 'opening';
    if (!mayEdit) return 'read-only';
    return this.#isWithNode(this.#doc.heads()) ? 'live' : 'saving';
  }

  canEdit(): boolean {
    if (!this.#doc || this.#isClosed) return false;
    if (this.#isLocal) return true;
    const [mayEdit, way] = [this.#connection?.mayEdit(), this.#connection?.state()];
    // Away from the node and never told otherwise: what is edited waits here, and the node has the last word.
    return way !== 'gone' && (mayEdit ?? (way === 'offline' || way === 'signed-out'));
  }

  isKept(): boolean {
    return this.#connection?.isKept() ?? false;
  }

  /** Whether the node said that it has these heads. */
  #isWithNode(heads: Heads): boolean {
    const said = this.#connection?.nodeHeads();
    const doc = this.#doc?.doc();
    if (!said || !doc) return false;
    if (heads.every((head) => said.includes(head))) return true;
    // It may have said later ones, which hold ours when we have them all.
    if (!hasHeads(doc, [...said])) return false;
    const missing = getChangesMetaSince(doc, [...said]);
    return !missing.some(({ hash }) => heads.includes(hash));
  }

  apply(label: PlainKey, edit: Edit, merge?: string): void {
    if (!this.canEdit()) return;
    this.#doc?.apply(label, edit, merge);
    this.#edited();
  }
  undo(evenOverOthers = false): Undone {
    const done = (this.canEdit() && this.#doc?.undo(evenOverOthers)) || UNDONE_NOTHING;
    this.#edited();
    return done;
  }
  redo(): Undone {
    const done = (this.canEdit() && this.#doc?.redo()) || UNDONE_NOTHING;
    this.#edited();
    return done;
  }
  /** Until the node says that it has it. */
  #edited(): void {
    if (this.#connection && this.sync() !== 'live') this.#connection.unsent(true);
  }
  hasUnsent(): boolean {
    return this.#connection?.hasUnsent() ?? false;
  }
  forget(): void {
    this.#connection?.forget();
  }
  canUndo(): boolean {
    return this.canEdit() && this.#doc?.canUndo === true;
  }
  canRedo(): boolean {
    return this.canEdit() && this.#doc?.canRedo === true;
  }

  conflicts(place: DocPlace): readonly unknown[] {
    return this.#doc?.conflicts(place) ?? [];
  }
  at(heads: readonly string[]): DrawnPreset {
    if (!this.#doc) throw new Error('the document is not open yet');
    return this.#doc.at([...heads]);
  }
  text(place: DocPlace): string {
    return this.#doc?.text(place) ?? '';
  }

  onText(place: DocPlace, listener: (change: TextChange, isOwn: boolean) => void): () => void {
    let leave: (() => void) | undefined;
    let isWanted = true;
    const begin = (): void => {
      if (isWanted) leave = this.#doc?.onText(place, listener);
    };
    if (this.#doc) begin();
    else this.#waiting.push(begin);
    return () => {
      isWanted = false;
      leave?.();
    };
  }

  saved(timeoutMs: number = SAVED_MS): Promise<readonly string[]> {
    const heads = this.#doc?.heads() ?? [];
    return new Promise((resolve, reject) => {
      const isSaved = (): boolean => this.#doc !== undefined && (this.#isLocal || this.#isWithNode(heads));
      const end = (): void => {
        clearTimeout(timer);
        leave();
      };
      const look = (): void => {
        if (!isSaved()) return;
        end();
        resolve(heads);
      };
      const leave = this.subscribe(look);
      const timer = setTimeout(() => {
        end();
        reject(new Error('the node has not got the latest edits yet'));
      }, timeoutMs);
      look();
    });
  }

  peers(): readonly Peer[] {
    return this.#connection?.peers() ?? NOBODY;
  }
  present(own: OwnPresence): void {
    this.#presence = own;
    this.#connection?.present(own);
  }

  close(): void {
    this.#isClosed = true;
    this.#leave?.();
    this.#connection?.close();
    this.#doc?.close();
    this.#listeners.clear();
  }
}
