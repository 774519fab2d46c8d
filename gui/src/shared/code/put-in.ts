//! Code that is put into a script as a whole: alone in an empty one, else on lines of its own below where the cursor is.

/** Sent to an editor's text with the code: it goes in as one edit, and the focus goes there. */
export const PUT_IN = 'flowork-put-in';

export const putIn = (text: Element | null | undefined, code: string): void =>
  void text?.dispatchEvent(new CustomEvent(PUT_IN, { detail: code }));

export type Put = {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
  /** Where the code stands then. */
  readonly start: number;
  readonly end: number;
};

/** Where a piece of code goes in `text` with the cursor at `at`. It takes the indentation of the line it comes after. */
export function placed(text: string, at: number, code: string): Put {
  if (text.trim() === '') return { from: 0, to: text.length, insert: code, start: 0, end: code.length };
  const from = text.lastIndexOf('\n', at - 1) + 1;
  const next = text.indexOf('\n', at);
  const to = next < 0 ? text.length : next;
  const line = text.slice(from, to);
  const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
  const lines = code.split('\n').map((it) => (it === '' ? it : indent + it));
  const whole = lines.join('\n');
  // A blank line is what was made for it.
  if (line.trim() === '') return { from, to, insert: whole, start: from, end: from + whole.length };
  return { from: to, to, insert: `\n${whole}`, start: to + 1, end: to + 1 + whole.length };
}
