//! n8n's expressions as ours: a text that begins with `=` is one, and some names differ.
import { isMap } from '../values';

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/\$node\[\s*(["'])(.*?)\1\s*\]\.json/g, "$('$2').item.json"],
  [/\$items\(\s*(["'])(.*?)\1\s*\)/g, "$('$2').all()"],
  [/\$input\.(?:item|first\(\))\.json/g, '$json'],
  [/\$input\.all\(\)/g, '$items'],
  [/\$itemIndex/g, '$index'],
  [/\$runIndex/g, '$round'],
];

/** A parameter of n8n as a value of our configs. */
export function value(parameter: unknown): unknown {
  if (typeof parameter === 'string') return parameter.startsWith('=') ? expression(parameter.slice(1)) : parameter;
  if (Array.isArray(parameter)) return parameter.map(value);
  if (!isMap(parameter)) return parameter;
  return Object.fromEntries(Object.entries(parameter).map(([name, inner]) => [name, value(inner)]));
}

/** The same as a text; empty when it is none. */
export function text(parameter: unknown): string {
  const given = value(parameter);
  return typeof given === 'string' ? given : given === undefined || given === null ? '' : JSON.stringify(given);
}

function expression(source: string): string {
  let made = source;
  for (const [from, to] of NAMES) made = made.replace(from, to);
  return made;
}

/** JSON that may hold expressions: parsed when it is JSON, else the text. */
export function json(parameter: unknown): unknown {
  const given = value(parameter);
  if (typeof given !== 'string') return given;
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}

/** What n8n's scripts call their items by, in front of a script that uses it. */
export function script(code: string, mode: 'all' | 'each'): string {
  const lines: string[] = [];
  if (/\$input\b/.test(code)) {
    lines.push(
      mode === 'all'
        ? 'const $input = { all: () => $items, first: () => $items[0], last: () => $items[$items.length - 1] };'
        : 'const $input = { item: $item, all: () => [$item], first: () => $item };',
    );
  }
  if (mode === 'all' && /(^|[^$\w.])items\b/.test(code)) lines.push('const items = $items;');
  if (mode === 'each' && /(^|[^$\w.])item\b/.test(code)) lines.push('const item = $json;');
  return [...lines, code].join('\n');
}
