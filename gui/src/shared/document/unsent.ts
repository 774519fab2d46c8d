//! Which workflows have edits in this browser that the node has not got. Kept beside the drafts, and readable by pages that open no
//! document.
import { nodeAddress } from '../auth/node-address';

/** What keeps a text under a name; the browser's storage, or nothing where there is none. */
type Place = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export class Unsent {
  readonly #place: Place | undefined;
  readonly #key: string;

  constructor(node: string, place: Place | undefined) {
    this.#place = place;
    this.#key = `flowork.unsent ${node}`;
  }

  /** Read each time: other tabs write too. */
  all(): readonly string[] {
    try {
      const kept: unknown = JSON.parse(this.#place?.getItem(this.#key) ?? '[]');
      return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : [];
    } catch {
      return [];
    }
  }

  has(id: string): boolean {
    return this.all().includes(id);
  }

  set(id: string, isUnsent: boolean): void {
    const before = this.all();
    if (before.includes(id) === isUnsent) return;
    const now = isUnsent ? [...before, id] : before.filter((other) => other !== id);
    try {
      if (now.length === 0) this.#place?.removeItem(this.#key);
      else this.#place?.setItem(this.#key, JSON.stringify(now));
    } catch {
      // A full storage: the drafts say that themselves.
    }
  }
}

/** Of the node that this page talks to. */
export const browserUnsent = (): Unsent => new Unsent(nodeAddress(), storage());

function storage(): Place | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
