//! Values by id, of which each listener hears only its own: what changes on a canvas costs what it changes.

export class KeyedStore<T> {
  private values: ReadonlyMap<string, T> = new Map();
  private readonly listeners = new Map<string, Set<() => void>>();

  get(id: string): T | undefined {
    return this.values.get(id);
  }

  all(): ReadonlyMap<string, T> {
    return this.values;
  }

  readonly subscribe = (id: string, listener: () => void): (() => void) => {
    const set = this.listeners.get(id) ?? new Set();
    set.add(listener);
    this.listeners.set(id, set);
    return () => {
      set.delete(listener);
      if (set.size === 0) this.listeners.delete(id);
    };
  };

  /** Replaces everything; tells those whose value is another one now. */
  set(next: ReadonlyMap<string, T>): void {
    const before = this.values;
    this.values = next;
    for (const id of new Set([...before.keys(), ...next.keys()])) {
      if (before.get(id) !== next.get(id)) for (const listener of this.listeners.get(id) ?? []) listener();
    }
  }
}

/** One value that components follow. */
export class Store<T> {
  private readonly listeners = new Set<() => void>();
  constructor(private value: T) {}

  readonly get = (): T => this.value;

  readonly set = (next: T): void => {
    if (Object.is(next, this.value)) return;
    this.value = next;
    for (const listener of [...this.listeners]) listener();
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}
