import { bash } from './bash';
import { code } from './code';
import { javascript } from './javascript';
import { perl } from './perl';
import { php } from './php';
import { python } from './python';
import { ruby } from './ruby';
import type { Mode, Snippet, Start, Starts } from './start';

/** By the component whose code it is. */
export const STARTS = { bash, code, javascript, perl, php, python, ruby } as const satisfies Record<string, Starts>;
export type StartsOf = keyof typeof STARTS;

/** The code to begin with, its sentence above it; `say` gives the sentence in the person's language. */
export function startText({ comment, code: text }: Start, say: (comment: Start['comment']) => string): string {
  const lines: string[] = [];
  for (const word of say(comment).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= COMMENT_MAX) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return [...lines.map((line) => `${comment.sign} ${line}`), text].join('\n');
}

/** So many letters of a comment's line are seen in the narrow panel. */
const COMMENT_MAX = 34;

/** The pieces for a script that runs this often. */
export const snippetsFor = (of: StartsOf, mode: Mode): readonly Snippet[] =>
  STARTS[of].snippets.filter((snippet) => snippet.mode === mode);
