//! What an editor of text needs from the place that holds the text.

/** A text somewhere: in a document that others edit too, or a plain value. */
export interface TextBinding {
  read(): string;
  /** One local change: letters that go and letters that come at a place. */
  splice(at: number, deleted: number, inserted: string): void;
  /** Told whenever the text may have changed, by anybody. */
  subscribe(listener: () => void): () => void;
}

export type Splice = { readonly at: number; readonly deleted: number; readonly inserted: string };

/** The smallest single splice that makes one text of another; undefined when they are the same. */
export function spliceBetween(before: string, after: string): Splice | undefined {
  if (before === after) return undefined;
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return { at: head, deleted: before.length - head - tail, inserted: after.slice(head, after.length - tail) };
}

export const spliced = (text: string, { at, deleted, inserted }: Splice): string =>
  text.slice(0, at) + inserted + text.slice(at + deleted);
