//! Where a field of data lands in a text that it is dropped on, and what it becomes there.
import { type DataPath, dataCode, dataTemplate } from './paths';
import { expressionAt, hasExpression, piecesOf } from './template';

export type Landing = { readonly at: number; readonly insert: string };

/** Whether code that ends so waits for a value: at its beginning, after an operator, an opening bracket or a comma. */
const waits = (code: string): boolean => /(^|[([{,;:?+\-*/%<>=&|!~^])\s*$/.test(code);

/** In a template: inside an expression that waits for a value there it is code, else an expression of its own behind that one. */
export function landInTemplate(text: string, at: number, path: DataPath, step?: string): Landing {
  const inside = expressionAt(text, at);
  if (!inside) return { at, insert: dataTemplate(path, step) };
  if (waits(inside.code.slice(0, at - inside.from))) return { at, insert: dataCode(path, step) };
  const piece = piecesOf(text).find((it) => it.kind === 'expression' && it.from <= at && at <= it.to);
  return { at: piece?.to ?? text.length, insert: dataTemplate(path, step) };
}

/** In one expression without braces: as code, at the end of the word that it falls into. */
export function landInCode(text: string, at: number, path: DataPath, step?: string): Landing {
  const rest = /^[\w$]*/.exec(text.slice(at))?.[0] ?? '';
  const isInWord = /[\w$]$/.test(text.slice(0, at));
  return { at: isInWord ? at + rest.length : at, insert: dataCode(path, step) };
}

/** In a field that takes one expression, with braces or without. */
export const landInCondition = (text: string, at: number, path: DataPath, step?: string): Landing =>
  hasExpression(text) ? landInTemplate(text, at, path, step) : landInCode(text, at, path, step);
