//! Spans of time as people write them, by the rules of the node (node/components/src/duration.rs): `90s`, `5m`, `1h 30m`, `2d`, `250ms`.

const UNITS = [
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;
const SPAN_MS_MAX = 10 * 366 * 86_400_000;

/** A span in milliseconds; undefined when a text is none or longer than ten years. */
export function readSpan(value: unknown): number | undefined {
  const ms =
    typeof value === 'number' ? Math.round(value) : typeof value === 'string' ? parse(value.trim()) : undefined;
  return ms === undefined || ms < 0 || ms > SPAN_MS_MAX ? undefined : ms;
}

function parse(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  let rest = text;
  let sum = 0;
  if (rest === '') return undefined;
  while (rest !== '') {
    const found = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z]+)\s*/.exec(rest);
    const unit = UNITS.find(([name]) => name === found?.[2]);
    if (!found || !unit) return undefined;
    sum += Math.round(Number(found[1]) * unit[1]);
    rest = rest.slice(found[0].length);
  }
  return sum;
}

/** A number of milliseconds in the shortest exact form: 90 000 is `1m 30s`. */
export function writeSpan(ms: number): string {
  if (!Number.isInteger(ms) || ms <= 0) return `${ms}ms`;
  const parts: string[] = [];
  let left = ms;
  for (const [name, size] of UNITS) {
    const count = Math.floor(left / size);
    // Weeks only when nothing is left: `10d` reads better than `1w 3d`.
    if (count === 0 || (name === 'w' && left % size !== 0)) continue;
    parts.push(`${count}${name}`);
    left -= count * size;
  }
  return parts.join(' ');
}
