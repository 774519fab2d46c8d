//! Finding an item by its text. The node gives pages; they are looked through one after the other, forwards from a place
//! and around, and whoever asked sees how far it is.
import type { Item } from '../api/types';

export type PageOf = { readonly items: readonly Item[]; readonly offset: number; readonly total: number };
export type FetchPage = (offset: number, signal: AbortSignal) => Promise<PageOf>;

export type Looked = {
  /** Items looked at so far. */
  readonly looked: number;
  readonly total: number;
};

/** Whether the text of an item, of its fields and of its files' names holds `wanted`, whatever the case. */
export function holds(item: Item, wanted: string): boolean {
  const text = `${JSON.stringify(item.json) ?? ''} ${Object.values(item.files ?? {})
    .map((file) => file.name)
    .join(' ')}`;
  return text.toLowerCase().includes(wanted.toLowerCase());
}

/** The place of the next item after `from` that holds `wanted`, going around at the end; none when no item does. */
export async function findItem(
  fetchPage: FetchPage,
  wanted: string,
  from: number,
  onLooked: (looked: Looked) => void,
  signal: AbortSignal,
): Promise<number | undefined> {
  let [offset, looked, total, isAround] = [from + 1, 0, Number.POSITIVE_INFINITY, false];
  while (looked < total && !signal.aborted) {
    const page = await fetchPage(offset, signal);
    total = page.total;
    const found = page.items.findIndex((item) => holds(item, wanted));
    if (found >= 0) return page.offset + found;
    looked += page.items.length;
    onLooked({ looked: Math.min(looked, total), total });
    offset = page.offset + page.items.length;
    if (offset < total && page.items.length > 0) continue;
    if (isAround) return undefined;
    isAround = true;
    offset = 0;
  }
  return undefined;
}
