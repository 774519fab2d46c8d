//! Where expressions begin and end in a config text, by the rules of the node (node/components/src/expression/scan.rs): `}}` inside
//! a string, a template or nested braces does not end one.

export type Piece = {
  readonly kind: 'text' | 'expression';
  /** Where it begins and ends in the text, braces included. */
  readonly from: number;
  readonly to: number;
  /** Whether the expression is closed. */
  readonly isClosed: boolean;
};

/** Whether a value is a text with an expression in it. */
export const hasExpression = (value: unknown): value is string => typeof value === 'string' && value.includes('{{');

/** The index of the quote that ends the string at `at`; -1 when none does. */
function afterString(code: string, at: number): number {
  const quote = code[at];
  for (let here = at + 1; here < code.length; here++) {
    if (code[here] === '\\') here++;
    else if (code[here] === '\n') return -1;
    else if (code[here] === quote) return here;
  }
  return -1;
}

function afterRegex(code: string, at: number): number {
  let isClass = false;
  for (let here = at + 1; here < code.length; here++) {
    const letter = code[here];
    if (letter === '\\') here++;
    else if (letter === '\n') return -1;
    else if (letter === '[') isClass = true;
    else if (letter === ']') isClass = false;
    else if (letter === '/' && !isClass) return here;
  }
  return -1;
}

/** Reads a template from inside: the index of its end, or of the `{` of a `${`. */
function inTemplate(code: string, from: number, open: string[]): number {
  for (let here = from; here < code.length; here++) {
    if (code[here] === '\\') here++;
    else if (code[here] === '`') return here;
    else if (code[here] === '$' && code[here + 1] === '{') {
      open.push('$');
      return here + 1;
    }
  }
  return -1;
}

/** Where the `}}` stands that ends the expression at the start of `code`; -1 when none does. */
export function endOfExpression(code: string): number {
  const open: string[] = [];
  let before = '(';
  for (let at = 0; at < code.length; at++) {
    const letter = code[at] ?? '';
    let next = at;
    if (letter === '"' || letter === "'") next = afterString(code, at);
    else if (letter === '`') next = inTemplate(code, at + 1, open);
    else if (letter === '/' && code[at + 1] === '/') next = at + 1;
    else if (letter === '/' && code[at + 1] === '*') {
      const end = code.indexOf('*/', at + 2);
      next = end < 0 ? -1 : end + 1;
    } else if (letter === '/' && '(,=:[!&|?{};+-*%<>~^'.includes(before)) next = afterRegex(code, at);
    else if ('([{'.includes(letter)) open.push(letter);
    else if (letter === '}' && open.length === 0 && code[at + 1] === '}') return at;
    else if (letter === '}' && open.at(-1) === '$') {
      open.pop();
      next = inTemplate(code, at + 1, open);
    } else if (')]}'.includes(letter) && open.pop() === undefined) return -1;
    if (next < 0) return -1;
    if (letter.trim() !== '') before = letter;
    at = next;
  }
  return -1;
}

/** The pieces of a text. An expression that nothing ends goes to the end of the text. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  while (from < text.length) {
    const at = text.indexOf('{{', from);
    if (at < 0) break;
    if (at > from) pieces.push({ kind: 'text', from, to: at, isClosed: true });
    const inside = text.slice(at + 2);
    const scanned = endOfExpression(inside);
    const end = scanned >= 0 ? scanned : inside.indexOf('}}');
    const to = end < 0 ? text.length : at + 2 + end + 2;
    pieces.push({ kind: 'expression', from: at, to, isClosed: end >= 0 });
    from = to;
  }
  if (from < text.length) pieces.push({ kind: 'text', from, to: text.length, isClosed: true });
  return pieces;
}

/** The code around a place of a text, with where it begins; undefined between expressions. */
export function expressionAt(text: string, at: number): { readonly code: string; readonly from: number } | undefined {
  const piece = piecesOf(text).find((it) => {
    if (it.kind !== 'expression' || at < it.from + 2) return false;
    return it.isClosed ? at <= it.to - 2 : at <= it.to;
  });
  if (!piece) return undefined;
  const from = piece.from + 2;
  return { code: text.slice(from, piece.isClosed ? piece.to - 2 : piece.to), from };
}
