//! What is selected: cards, wires, notes and groups, by id.

export class SelectionStore {
  private ids: ReadonlySet<string> = new Set();
  private readonly listeners = new Set<() => void>();

  readonly get = (): ReadonlySet<string> => this.ids;

  /** The same things again tell nobody. */
  readonly set = (ids: Iterable<string>): void => {
    const next = new Set(ids);
    if (next.size === this.ids.size && [...next].every((id) => this.ids.has(id))) return;
    this.ids = next;
    for (const listener of [...this.listeners]) listener();
  };

  /** Leaves out what is not there any more. */
  readonly keepOnly = (isThere: (id: string) => boolean): void => this.set([...this.ids].filter(isThere));

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/** The one that is selected, when it is one. */
export const onlyOne = (ids: ReadonlySet<string>): string | undefined => (ids.size === 1 ? [...ids][0] : undefined);
