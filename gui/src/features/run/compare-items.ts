//! What is not the same in two items, field by field, and in two lists, page by page. No React.
import type { Item } from '@/shared/api/types';
import { join } from '@/shared/data/shape';

/** One field that is not the same. `path` is empty for the item itself; `before` or `after` is undefined where it is not there. */
export type Change = { readonly path: string; readonly before: unknown; readonly after: unknown };
/** What is not the same in one item. */
export type ItemChanges = {
  readonly changes: readonly Change[];
  /** Whether there are more than are listed. */
  readonly isCut: boolean;
};
/** An item whose two sides differ; null where it is not there. `index` counts in the whole list, from 0. */
export type ItemPair = { readonly index: number; readonly before: Item | null; readonly after: Item | null };

/** The most fields that are told of one item. */
export const CHANGES_MAX = 100;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether two values of JSON are the same; the order of keys says nothing. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((it, at) => isSame(it, other[at]));
  }
  if (!isRecord(one) || !isRecord(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  );
}

/** The fields that are not the same in two items: those of its data by path, its files as `files.name`. */
export function changesOf(before: Item | null, after: Item | null, most = CHANGES_MAX): ItemChanges {
  const changes: Change[] = [];
  let isCut = false;
  const add = (path: string, one: unknown, other: unknown) => {
    if (changes.length < most) changes.push({ path: path.replace(/^\./, ''), before: one, after: other });
    else isCut = true;
  };
  const visit = (one: unknown, other: unknown, path: string): void => {
    if (isCut || isSame(one, other)) return;
    if (isRecord(one) && isRecord(other)) {
      for (const key of new Set([...Object.keys(one), ...Object.keys(other)]))
        visit(field(one, key), field(other, key), join(path, key));
    } else if (Array.isArray(one) && Array.isArray(other)) {
      for (let at = 0; at < Math.max(one.length, other.length) && !isCut; at += 1)
        visit(one[at], other[at], `${path}[${at}]`);
    } else add(path, one, other);
  };
  if (before === null || after === null) {
    add('', before?.json, after?.json);
    return { changes, isCut };
  }
  visit(before.json, after.json, '');
  visit(before.files ?? {}, after.files ?? {}, '.files');
  return { changes, isCut };
}

const field = (of: Record<string, unknown>, key: string): unknown => (Object.hasOwn(of, key) ? of[key] : undefined);

/** A page of a list, as the node gives it. */
export type Page = { readonly items: readonly Item[]; readonly offset: number; readonly total: number };

/** The items that differ between two pages which begin at the same place. */
export function pairsOf(before: Page, after: Page): ItemPair[] {
  const pairs: ItemPair[] = [];
  for (let at = 0; at < covered(before, after); at += 1) {
    const [one, other] = [before.items[at] ?? null, after.items[at] ?? null];
    if (one && other && isSame(one.json, other.json) && isSame(one.files ?? {}, other.files ?? {})) continue;
    pairs.push({ index: before.offset + at, before: one, after: other });
  }
  return pairs;
}

/** How many items two pages tell of. Heavy items come fewer at a time; a list that has ended holds nobody up. */
export function covered(before: Page, after: Page): number {
  const ends = ({ items, offset, total }: Page) => offset + items.length >= total;
  const longest = Math.max(before.items.length, after.items.length);
  return Math.min(ends(before) ? longest : before.items.length, ends(after) ? longest : after.items.length);
}

/** Gives the two pages that begin at a place. */
export type FetchPages = (offset: number, signal: AbortSignal) => Promise<readonly [Page, Page]>;

/** The place of the first item from `offset` on that differs; none when there is none up to the end. */
export async function findDifference(
  fetchPages: FetchPages,
  offset: number,
  onLooked: (looked: number, total: number) => void,
  signal: AbortSignal,
): Promise<number | undefined> {
  for (let from = offset; !signal.aborted; ) {
    const [before, after] = await fetchPages(from, signal);
    const [found] = pairsOf(before, after);
    if (found) return found.index;
    const [count, total] = [covered(before, after), Math.max(before.total, after.total)];
    from += count;
    onLooked(from, total);
    if (count === 0 || from >= total) return undefined;
  }
  return undefined;
}
