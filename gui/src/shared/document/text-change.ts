//! One change of a text, as a value: it can be joined with the next, turned around, and moved over a change that somebody else made to
//! the same text. This is what keeps an undo exact while others type. (Source of the rules: Ellis and Gibbs, "Concurrency control in
//! groupware systems", in the form of Google Wave's operations.)

/** A positive number keeps so many letters, a negative one drops them, a text is put in. What comes after the last is kept. */
export type TextChange = readonly (number | string)[];

/** Letters are counted as JavaScript and Automerge count them: in UTF-16 units. */
export const splice = (at: number, drop: number, put: string): TextChange => joined([at, put, -drop]);

/** The same change in its shortest form: no empty parts, neighbours joined, what is put in stands before what is dropped. */
function joined(parts: TextChange): TextChange {
  const made: (number | string)[] = [];
  for (const part of parts) push(made, part);
  return trimmed(made);
}

function trimmed(parts: (number | string)[]): TextChange {
  const last = parts.at(-1);
  if (typeof last === 'number' && last > 0) parts.pop();
  return parts;
}

function push(made: (number | string)[], part: number | string): void {
  if (part === 0 || part === '') return;
  const last = made.at(-1);
  if (typeof part === 'number') {
    if (typeof last === 'number' && Math.sign(last) === Math.sign(part)) made[made.length - 1] = last + part;
    else made.push(part);
  } else if (typeof last === 'string') made[made.length - 1] = last + part;
  else if (typeof last === 'number' && last < 0) {
    made.pop();
    push(made, part);
    made.push(last);
  } else made.push(part);
}

/** Walks the parts of a change and gives them out in pieces. */
class Walk {
  #index = 0;
  #used = 0;
  constructor(readonly parts: TextChange) {}
  get part(): number | string | undefined {
    const part = this.parts[this.#index];
    if (part === undefined || this.#used === 0) return part;
    if (typeof part === 'string') return part.slice(this.#used);
    return part > 0 ? part - this.#used : part + this.#used;
  }
  /** How many letters are left of this part; after the last one everything is kept. */
  get size(): number {
    const part = this.part;
    if (part === undefined) return Number.POSITIVE_INFINITY;
    return typeof part === 'string' ? part.length : Math.abs(part);
  }
  take(count: number): void {
    if (count < this.size) this.#used += count;
    else {
      this.#index += 1;
      this.#used = 0;
    }
  }
}

const isDrop = (part: number | string | undefined): boolean => typeof part === 'number' && part < 0;

/** `first` and then `second` as one change. */
export function compose(first: TextChange, second: TextChange): TextChange {
  const [a, b] = [new Walk(first), new Walk(second)];
  const made: (number | string)[] = [];
  for (;;) {
    const [one, two] = [a.part, b.part];
    if (one === undefined && two === undefined) return trimmed(made);
    if (typeof one === 'number' && one < 0) {
      push(made, one);
      a.take(-one);
    } else if (typeof two === 'string') {
      push(made, two);
      b.take(two.length);
    } else {
      const count = Math.min(a.size, b.size);
      if (typeof one === 'string') {
        if (!isDrop(two)) push(made, one.slice(0, count));
      } else push(made, isDrop(two) ? -count : count);
      a.take(count);
      b.take(count);
    }
  }
}

/** `change` as it must be carried out when `over`, made from the same text, has been carried out before. */
export function moved(change: TextChange, over: TextChange, isFirst: boolean): TextChange {
  const [a, b] = [new Walk(change), new Walk(over)];
  const made: (number | string)[] = [];
  for (;;) {
    const [one, two] = [a.part, b.part];
    if (one === undefined) return trimmed(made);
    if (typeof one === 'string' && (isFirst || typeof two !== 'string')) {
      push(made, one);
      a.take(one.length);
    } else if (typeof two === 'string') {
      push(made, two.length);
      b.take(two.length);
    } else {
      const count = Math.min(a.size, b.size);
      if (!isDrop(two)) push(made, isDrop(one) ? -count : count);
      a.take(count);
      b.take(count);
    }
  }
}

/** The change that takes `change` back; `text` is what it was made from. */
export function inverse(change: TextChange, text: string): TextChange {
  const made: (number | string)[] = [];
  let at = 0;
  for (const part of change) {
    if (typeof part === 'string') push(made, -part.length);
    else if (part < 0) {
      push(made, text.slice(at, at - part));
      at -= part;
    } else {
      push(made, part);
      at += part;
    }
  }
  return trimmed(made);
}

/** The text after a change. */
export function applied(text: string, change: TextChange): string {
  let [made, at] = ['', 0];
  for (const part of change) {
    if (typeof part === 'string') made += part;
    else if (part < 0) at -= part;
    else {
      made += text.slice(at, at + part);
      at += part;
    }
  }
  return made + text.slice(at);
}

/** The splices that make up a change, to be carried out in this order, each in the text that the one before left. */
export function splices(change: TextChange): { readonly at: number; readonly drop: number; readonly put: string }[] {
  const made: { at: number; drop: number; put: string }[] = [];
  let [at, put] = [0, ''];
  for (const part of [...change, 1]) {
    if (typeof part === 'string') {
      put = part;
      continue;
    }
    const drop = part < 0 ? -part : 0;
    if (put || drop) made.push({ at, drop, put });
    at += put.length + Math.max(part, 0);
    put = '';
  }
  return made;
}

/** A place in the text after a change; `sticks` says on which side it ends up of what was put in right there. */
export function movedPosition(at: number, change: TextChange, sticks: 'before' | 'after'): number {
  let [old, now] = [0, 0];
  for (const part of change) {
    if (typeof part === 'string') {
      if (old < at || sticks === 'after') now += part.length;
    } else if (part < 0) {
      old -= part;
      if (old > at) return now;
    } else {
      if (old + part > at) return now + at - old;
      old += part;
      now += part;
    }
  }
  return now + at - old;
}
