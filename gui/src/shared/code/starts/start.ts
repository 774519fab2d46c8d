//! What an empty script can begin with: correct code for each kind of script step, and the pieces that people need most.
//! Each of them is run on a real node by `e2e/starts.test.ts`.

/** How often the code runs: once with all items, or once for each. */
export type Mode = 'all' | 'each';

/** Fields of the items that the code reads; real ones where data is known. */
export type Fields = { readonly text: string; readonly number: string };

export type SnippetId = 'keep' | 'total' | 'group' | 'split' | 'outputs' | 'file' | 'answer' | 'jq';

export type Snippet = {
  readonly id: SnippetId;
  readonly mode: Mode;
  /** The port beside `out` that it gives items to; the step's `outputs` must name it. */
  readonly output?: string;
  readonly code: (fields: Fields) => string;
};

/** Which sentence stands above the code. */
export type About = 'all' | 'each' | 'all_last' | 'each_last' | 'all_lines' | 'each_line';

/** How a comment says what comes in and what goes out. */
export type Comment = {
  readonly sign: '#' | '//';
  readonly about: About;
  readonly names: Readonly<Record<string, string>>;
};

export type Start = { readonly comment: Comment; readonly code: string };

export type Starts = { readonly start: Readonly<Record<Mode, Start>>; readonly snippets: readonly Snippet[] };

const NAME = /^[A-Za-z_]\w*$/;
const DEFAULT: Fields = { text: 'name', number: 'amount' };
const ITEMS_MAX = 20;

/** The first text and the first number among the fields of some items; names that every language writes without quotes. */
export function fieldsFor(items: readonly { readonly json?: unknown }[]): Fields {
  let text: string | undefined;
  let number: string | undefined;
  for (const { json } of items.slice(0, ITEMS_MAX)) {
    if (typeof json !== 'object' || json === null) continue;
    for (const [name, value] of Object.entries(json)) {
      if (!NAME.test(name)) continue;
      if (typeof value === 'string') text ??= name;
      if (typeof value === 'number') number ??= name;
    }
  }
  return { text: text ?? DEFAULT.text, number: number ?? DEFAULT.number };
}
