//! How one text becomes another, so that what others write elsewhere in it at the same time survives: a long text is compared by lines.
//! The lines that occur once on both sides hold the text together, and what lies between them is replaced. node/documents/src/text.rs
//! does the same. (Source of the idea: Bram Cohen's patience diff.)

/** One place where two texts differ: what goes from `from` to `to` of the old one, and what comes instead. */
export type Hunk = { readonly from: number; readonly to: number; readonly put: string };

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** A part of the old text with the part of the new one that takes its place. */
type Pair = { readonly old: readonly [number, number]; readonly now: readonly [number, number] };

/** Where the texts differ, in order. */
export function hunks(old: string, now: string): Hunk[] {
  const whole = trimmed(old, now, { old: [0, old.length], now: [0, now.length] });
  const made: Hunk[] = [];
  const push = (pair: Pair): void => {
    const { old: gone, now: come } = trimmed(old, now, pair);
    const put = now.slice(...come);
    if (gone[0] < gone[1] || put) made.push({ from: gone[0], to: gone[1], put });
  };
  let [oldAt, nowAt] = [whole.old[0], whole.now[0]];
  for (const anchor of anchors(lines(old, whole.old), lines(now, whole.now))) {
    push({ old: [oldAt, anchor.old[0]], now: [nowAt, anchor.now[0]] });
    [oldAt, nowAt] = [anchor.old[1], anchor.now[1]];
  }
  push({ old: [oldAt, whole.old[1]], now: [nowAt, whole.now[1]] });
  return made;
}

/** The two parts without what they begin and end with in common; a letter of two units is not cut apart. */
function trimmed(old: string, now: string, { old: [oldFrom, oldTo], now: [nowFrom, nowTo] }: Pair): Pair {
  const shorter = Math.min(oldTo - oldFrom, nowTo - nowFrom);
  let head = 0;
  while (head < shorter && old.charCodeAt(oldFrom + head) === now.charCodeAt(nowFrom + head)) head += 1;
  if (head > 0 && isHighSurrogate(old.charCodeAt(oldFrom + head - 1))) head -= 1;
  let tail = 0;
  while (tail < shorter - head && old.charCodeAt(oldTo - 1 - tail) === now.charCodeAt(nowTo - 1 - tail)) tail += 1;
  if (tail > 0 && isLowSurrogate(old.charCodeAt(oldTo - tail))) tail -= 1;
  return { old: [oldFrom + head, oldTo - tail], now: [nowFrom + head, nowTo - tail] };
}

type Line = { readonly text: string; readonly at: readonly [number, number] };

function lines(text: string, [from, to]: readonly [number, number]): Line[] {
  const made: Line[] = [];
  let at = from;
  while (at < to) {
    const end = text.indexOf('\n', at);
    const next = end === -1 || end >= to ? to : end + 1;
    made.push({ text: text.slice(at, next), at: [at, next] });
    at = next;
  }
  return made;
}

/** Lines that occur once on each side, as many as come in the same order on both. */
function anchors(old: readonly Line[], now: readonly Line[]): Pair[] {
  const once = (of: readonly Line[]): Map<string, number> => {
    const found = new Map<string, number>();
    for (const [index, { text }] of of.entries()) found.set(text, found.has(text) ? -1 : index);
    return found;
  };
  const [left, right] = [once(old), once(now)];
  const pairs: [number, number][] = [];
  for (const [text, one] of left) {
    const other = right.get(text) ?? -1;
    if (one >= 0 && other >= 0) pairs.push([one, other]);
  }
  pairs.sort((one, other) => one[0] - other[0]);
  return rising(pairs).flatMap(([one, other]) => {
    const [was, is] = [old[one], now[other]];
    return was && is ? [{ old: was.at, now: is.at }] : [];
  });
}

/** The longest part of `pairs`, which rise on the left, that rises on the right too. */
function rising(pairs: readonly [number, number][]): [number, number][] {
  // `ends[n]` is the pair that ends the rising run of length n + 1 whose right side is smallest.
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  for (const [index, pair] of pairs.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] ?? 0]?.[1] ?? 0) < pair[1]) low = middle + 1;
      else high = middle;
    }
    before.push(ends[low - 1]);
    ends[low] = index;
  }
  const run: [number, number][] = [];
  for (let next = ends.at(-1); next !== undefined; next = before[next]) {
    const pair = pairs[next];
    if (pair) run.push(pair);
  }
  return run.reverse();
}
