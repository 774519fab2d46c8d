//! Sentences as component manifests write them: what stands between backticks is code, between double asterisks it is
//! stressed. Everything else is text, whatever it looks like. No React.

export type ProsePart = { readonly kind: 'text' | 'code' | 'strong'; readonly text: string };

const MARKED = /`([^`\n]+)`|\*\*([^*\n]+)\*\*/g;

/** The parts of a sentence, in order. A mark without a partner is text. */
export function proseParts(text: string): ProsePart[] {
  const parts: ProsePart[] = [];
  let end = 0;
  for (const found of text.matchAll(MARKED)) {
    if (found.index > end) parts.push({ kind: 'text', text: text.slice(end, found.index) });
    parts.push(found[1] === undefined ? { kind: 'strong', text: found[2] ?? '' } : { kind: 'code', text: found[1] });
    end = found.index + found[0].length;
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) });
  return parts;
}

/** A sentence without its marks, for tooltips and names. */
export const plainProse = (text: string): string =>
  proseParts(text)
    .map((part) => part.text)
    .join('');
