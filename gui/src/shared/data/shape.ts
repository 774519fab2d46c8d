//! The shape of data for people: columns of a table, lines of a tree, what a text may be shown as. No React.
import type { Item } from '../api/types';

/** The most columns that a table shows; the rest is counted. */
export const COLUMNS_MAX = 60;
/** The most characters of a text that are shown before somebody asks for all. */
export const TEXT_CHARS_MAX = 300;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields of some items in the order in which they first come. An item that is no object is the column ''. */
export function columnsOf(items: readonly Item[]): string[] {
  const found = new Set<string>();
  for (const item of items) {
    if (isRecord(item.json)) for (const key of Object.keys(item.json)) found.add(key);
    else found.add('');
  }
  return [...found];
}

export const cellOf = (item: Item, column: string): unknown =>
  column === '' ? (isRecord(item.json) ? undefined : item.json) : isRecord(item.json) ? item.json[column] : undefined;

/** A value in one line, cut. However large the value is, only its beginning is looked at. */
export function inline(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : begun(value, TEXT_CHARS_MAX);
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
}

/** The beginning of `JSON.stringify(value)`, at least `most` characters where there are so many. */
function begun(value: unknown, most: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, most + 1));
  const isList = Array.isArray(value);
  if (!isList && !isRecord(value)) return JSON.stringify(value);
  const parts: string[] = [];
  let length = 2;
  const add = (child: unknown, key?: string): boolean => {
    const name = key === undefined ? '' : `${JSON.stringify(key)}:`;
    const part = name + (child === undefined ? 'null' : begun(child, most - length));
    parts.push(part);
    length += part.length + 1;
    return length <= most;
  };
  if (isList) for (const child of value) if (!add(child)) break;
  // `in` walks over the keys without making a list of all of them first.
  if (!isList) for (const key in value) if (!add(value[key], key)) break;
  return isList ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
}

/** Lists and objects with more children than this show them in stretches of so many. */
export const STRETCH = 1_000;
/** The most characters of a text that a tree shows at all; what is longer is for a download. */
export const OPEN_CHARS_MAX = 65_536;

export type Line = {
  /** Where it is, such as `[0].user.name`; what is open is remembered by it. */
  readonly path: string;
  readonly depth: number;
  readonly key: string | undefined;
  readonly value: unknown;
  /** How many children it has, for lists and objects. */
  readonly children: number | undefined;
  readonly isOpen: boolean;
  readonly isCut: boolean;
};

const isIdentifier = (key: string) => /^[A-Za-z_$][\w$]*$/.test(key);
export const join = (path: string, key: string): string =>
  isIdentifier(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;

/** The visible lines of a value as a tree. `toggled` holds the paths that are not as they begin (open to depth 2). */
export function linesOf(root: unknown, toggled: ReadonlySet<string>, openDepth = 2): Line[] {
  const lines: Line[] = [];
  const visit = (value: unknown, path: string, key: string | undefined, depth: number): void => {
    const entries: [string, unknown][] | undefined = Array.isArray(value)
      ? value.map((child, at) => [String(at), child])
      : isRecord(value)
        ? Object.entries(value)
        : undefined;
    const isOpen = entries ? depth < openDepth !== toggled.has(path) : toggled.has(path);
    const isCut = typeof value === 'string' && value.length > TEXT_CHARS_MAX && !isOpen;
    lines.push({ path, depth, key, value, children: entries?.length, isOpen, isCut });
    if (!entries || !isOpen) return;
    const place = (name: string) => (Array.isArray(value) ? `${path}[${name}]` : join(path, name));
    if (entries.length <= STRETCH) {
      for (const [name, child] of entries) visit(child, place(name), name, depth + 1);
      return;
    }
    for (let from = 0; from < entries.length; from += STRETCH) {
      const part = entries.slice(from, from + STRETCH);
      const stretch = `${path}[${from}…${from + part.length - 1}]`;
      const isPartOpen = toggled.has(stretch);
      lines.push({
        path: stretch,
        depth: depth + 1,
        key: `${from}…${from + part.length - 1}`,
        value: undefined,
        children: part.length,
        isOpen: isPartOpen,
        isCut: false,
      });
      if (isPartOpen) for (const [name, child] of part) visit(child, place(name), name, depth + 2);
    }
  };
  visit(root, '', undefined, 0);
  return lines;
}

export type TextKind = 'svg' | 'html' | 'markdown' | 'text';

/** What a text most likely is. Only a proposal: it decides how it is drawn at first, never whether it may run. */
export function kindOfText(text: string): TextKind {
  const head = text.trimStart().slice(0, 2_000);
  if (/^(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*<svg[\s>]/i.test(head)) return 'svg';
  if (
    /^(<!doctype html|<html|<head|<body)/i.test(head) ||
    /<(h[1-6]|p|div|table|ul|ol|span|a|br|img|script)[\s/>]/i.test(head)
  )
    return 'html';
  if (/^(#{1,6} |[-*] |\d+\. |> |```)/m.test(head) || /\*\*[^*\n]+\*\*|\[[^\]\n]+\]\([^)\n]+\)/.test(head))
    return 'markdown';
  return 'text';
}

/** The texts inside an item, by path: what a rendered view can show. */
export function textsOf(json: unknown, most = 200): { readonly path: string; readonly text: string }[] {
  const found: { path: string; text: string }[] = [];
  const visit = (value: unknown, path: string, depth: number): void => {
    if (found.length >= most || depth > 8) return;
    if (typeof value === 'string') found.push({ path, text: value });
    else if (Array.isArray(value)) for (const [at, child] of value.entries()) visit(child, `${path}[${at}]`, depth + 1);
    else if (isRecord(value))
      for (const [key, child] of Object.entries(value)) visit(child, join(path, key), depth + 1);
  };
  visit(json, '', 0);
  return found;
}
