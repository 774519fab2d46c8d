//! Where documents are kept in this browser. Some browsers have no place (private windows, a full disk): then they are kept in this tab
//! only, and whoever asks is told so.
import type { Chunk, StorageAdapterInterface, StorageKey } from '@automerge/automerge-repo/slim';
import { IndexedDBStorageAdapter } from '@automerge/automerge-repo-storage-indexeddb';

/** How long the browser may take to open its storage. */
const OPEN_MS_MAX = 5_000;

export class Drafts implements StorageAdapterInterface {
  readonly #store: Promise<StorageAdapterInterface>;
  readonly #listeners = new Set<() => void>();
  #isKept = true;

  constructor(open: () => StorageAdapterInterface, openMsMax: number = OPEN_MS_MAX) {
    this.#store = opened(open, openMsMax).catch(() => {
      this.#become(false);
      return new InThisTab();
    });
  }

  /** Whether what is edited here survives this tab. */
  isKept(): boolean {
    return this.#isKept;
  }
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #become(isKept: boolean): void {
    if (this.#isKept === isKept) return;
    this.#isKept = isKept;
    for (const listener of this.#listeners) listener();
  }

  async load(key: StorageKey): Promise<Uint8Array | undefined> {
    return (await this.#store).load(key);
  }
  async loadRange(prefix: StorageKey): Promise<Chunk[]> {
    return (await this.#store).loadRange(prefix);
  }
  async remove(key: StorageKey): Promise<void> {
    return (await this.#store).remove(key);
  }
  async removeRange(prefix: StorageKey): Promise<void> {
    return (await this.#store).removeRange(prefix);
  }

  async save(key: StorageKey, data: Uint8Array): Promise<void> {
    const store = await this.#store;
    try {
      await store.save(key, data);
      this.#become(!(store instanceof InThisTab));
    } catch (error) {
      this.#become(false);
      // The repo must know: it then writes the same again with the next edit.
      throw error;
    }
  }
}

/** The documents of one node in this browser. */
export const browserDrafts = (node: string): Drafts =>
  new Drafts(() => new IndexedDBStorageAdapter(`flowork documents ${node}`));

async function opened(open: () => StorageAdapterInterface, msMax: number): Promise<StorageAdapterInterface> {
  const store = open();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the browser does not open its storage')), msMax);
  });
  await Promise.race([store.load(['is it there?']), late]).finally(() => clearTimeout(timer));
  return store;
}

class InThisTab implements StorageAdapterInterface {
  readonly #kept = new Map<string, Chunk>();
  #under(prefix: StorageKey): Chunk[] {
    return [...this.#kept.values()].filter(({ key }) => prefix.every((part, index) => key[index] === part));
  }
  async load(key: StorageKey): Promise<Uint8Array | undefined> {
    return this.#kept.get(JSON.stringify(key))?.data;
  }
  async loadRange(prefix: StorageKey): Promise<Chunk[]> {
    return this.#under(prefix);
  }
  async save(key: StorageKey, data: Uint8Array): Promise<void> {
    this.#kept.set(JSON.stringify(key), { key, data });
  }
  async remove(key: StorageKey): Promise<void> {
    this.#kept.delete(JSON.stringify(key));
  }
  async removeRange(prefix: StorageKey): Promise<void> {
    for (const { key } of this.#under(prefix)) this.#kept.delete(JSON.stringify(key));
  }
}
