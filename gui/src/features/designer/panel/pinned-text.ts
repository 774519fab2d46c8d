//! Pinned items as people write them: a list, of which an element that is no item stands for the item's JSON.
import type { Item } from '@/shared/api/types';
import { isRecord } from '@/shared/forms/schema';

const isItem = (value: unknown): value is Item =>
  isRecord(value) && 'json' in value && Object.keys(value).every((key) => key === 'json' || key === 'files');

/** Items as text: those without files as their bare JSON, unless that would be read as something else. */
export function writeItems(items: readonly Item[]): string {
  const bare = items.map((item) =>
    Object.keys(item.files ?? {}).length > 0 || isItem(item.json) ? { json: item.json, files: item.files } : item.json,
  );
  return JSON.stringify(bare, null, 2);
}

/** The items of a text; undefined when it is no list in JSON. */
export function readItems(text: string): Item[] | undefined {
  try {
    const read: unknown = JSON.parse(text);
    if (!Array.isArray(read)) return undefined;
    return read.map((it): Item => (isItem(it) ? it : { json: it }));
  } catch {
    return undefined;
  }
}
