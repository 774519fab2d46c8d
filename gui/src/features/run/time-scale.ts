//! Time along a line, with the hours in which nothing ran folded away.

export type Span = { readonly from: number; readonly to: number };

/** A stretch of time and where it stands on the line, both ends as shares of the whole, 0 to 1. */
export type Stretch = Span & { readonly left: number; readonly right: number; readonly isIdle: boolean };

/** A pause is folded when it is longer than this and longer than [`FOLD_SHARE`] of all the time at work. */
const FOLD_MS_MIN = 2_000;
const FOLD_SHARE = 0.5;
/** How much of the line a folded pause takes. */
const FOLD_WIDTH = 0.06;

/** The times at which anything ran, joined where they touch. */
export function joined(spans: readonly Span[]): Span[] {
  // Runs begin in order, mostly; then there is nothing to sort.
  const isSorted = spans.every((span, at) => at === 0 || (spans[at - 1]?.from ?? 0) <= span.from);
  const sorted = isSorted ? spans : [...spans].sort((one, other) => one.from - other.from);
  const found: { from: number; to: number }[] = [];
  for (const span of sorted) {
    const last = found.at(-1);
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else found.push({ ...span });
  }
  return found;
}

/** The line from the first beginning to the last end. */
export function stretches(spans: readonly Span[]): Stretch[] {
  const busy = joined(spans);
  const [first, last] = [busy[0], busy.at(-1)];
  if (!first || !last) return [];
  const atWork = busy.reduce((total, span) => total + span.to - span.from, 0);
  const parts: (Span & { isIdle: boolean })[] = [];
  let from = first.from;
  busy.forEach((span, at) => {
    const next = busy[at + 1];
    if (!next) return;
    const pause = next.from - span.to;
    if (pause <= FOLD_MS_MIN || pause <= atWork * FOLD_SHARE) return;
    parts.push({ from, to: span.to, isIdle: false }, { from: span.to, to: next.from, isIdle: true });
    from = next.from;
  });
  parts.push({ from, to: last.to, isIdle: false });
  const folded = parts.filter((part) => part.isIdle).length;
  const room = 1 - Math.min(0.5, folded * FOLD_WIDTH);
  const width = folded === 0 ? 0 : (1 - room) / folded;
  const shown = parts.reduce((total, part) => total + (part.isIdle ? 0 : part.to - part.from), 0);
  let left = 0;
  return parts.map((part) => {
    const share = part.isIdle ? width : shown === 0 ? room : ((part.to - part.from) / shown) * room;
    const made = { ...part, left, right: left + share };
    left = made.right;
    return made;
  });
}

/** Where a moment stands on the line. */
export function placeOf(line: readonly Stretch[], at: number): number {
  const found = line.find((part) => at <= part.to) ?? line.at(-1);
  if (!found) return 0;
  const length = found.to - found.from;
  const share = length === 0 ? 0 : Math.max(0, Math.min(1, (at - found.from) / length));
  return found.left + share * (found.right - found.left);
}
