//! What code may name at a step, and the completions of it. Pure: what is known comes from real previous data.
import type { Item } from '../api/types';
import { readMembers, valueAt } from './paths';

export type Known = {
  /** Items that went into the step when it last ran, or that are pinned before it. */
  readonly items: readonly Item[];
  /** Which of them is the example. */
  readonly at: number;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The other steps by the name that `$('…')` takes, those before this one first; with what they gave, when that is known. */
  readonly steps: readonly { readonly name: string; readonly sample?: Item | undefined }[];
  readonly secrets: readonly string[];
};
export const NOTHING_KNOWN: Known = { items: [], at: 0, variables: {}, steps: [], secrets: [] };

export type Option = {
  readonly label: string;
  /** A sample value, or how it is called. */
  readonly detail?: string;
  readonly kind: 'property' | 'variable' | 'method' | 'function' | 'text';
  /** What is written instead of the label. */
  readonly apply?: string;
};
export type Options = { readonly from: number; readonly options: readonly Option[] };

const SAMPLE_CHARS_MAX = 48;

/** A value in a few letters. */
export function sampleOf(value: unknown): string {
  if (value === undefined) return '';
  const text = JSON.stringify(value) ?? '';
  return text.length > SAMPLE_CHARS_MAX ? `${text.slice(0, SAMPLE_CHARS_MAX)}…` : text;
}

const method = (label: string, call: string): Option => ({ label, detail: call, kind: 'method', apply: label });
const methods = (list: string): Option[] =>
  list.split(' ').map((it) => {
    const name = it.replace(/\(.*/, '');
    return method(name, it);
  });

const ON_TEXT = methods(
  'trim() toLowerCase() toUpperCase() slice(from,to) split(text) replace(what,with) replaceAll(what,with) includes(text) startsWith(text) endsWith(text) padStart(length,with) padEnd(length,with) match(regex) indexOf(text) repeat(times) at(index) length',
);
const ON_LIST = methods(
  'map(each) filter(each) find(each) some(each) every(each) reduce(each,first) join(between) includes(value) slice(from,to) concat(list) flat() sort(order) toSorted(order) reverse() at(index) indexOf(value) length',
);
const ON_NUMBER = methods('toFixed(digits) toString(base) toLocaleString()');
const ON_DATE = methods(
  'toISOString() getTime() getFullYear() getMonth() getDate() getDay() getHours() getMinutes() getSeconds() getUTCFullYear() getUTCMonth() getUTCDate() getUTCHours()',
);
const OF_GLOBALS: Readonly<Record<string, readonly Option[]>> = {
  Math: methods('round(n) floor(n) ceil(n) trunc(n) abs(n) min(a,b) max(a,b) pow(n,by) sqrt(n) log10(n) random() PI'),
  JSON: methods('stringify(value) parse(text)'),
  Object: methods('keys(of) values(of) entries(of) fromEntries(pairs) assign(to,from)'),
  Array: methods('isArray(value) from(values)'),
  Number: methods('isInteger(n) isFinite(n) parseFloat(text) parseInt(text)'),
  Date: methods('now() parse(text) UTC(year,month)'),
};
const GLOBALS: readonly Option[] = [
  ...Object.keys(OF_GLOBALS).map((label): Option => ({ label, kind: 'variable' })),
  { label: 'String', detail: 'String(value)', kind: 'function' },
  { label: 'Boolean', detail: 'Boolean(value)', kind: 'function' },
  { label: 'parseInt', detail: 'parseInt(text)', kind: 'function' },
  { label: 'parseFloat', detail: 'parseFloat(text)', kind: 'function' },
  { label: 'encodeURIComponent', detail: 'encodeURIComponent(text)', kind: 'function' },
  { label: 'decodeURIComponent', detail: 'decodeURIComponent(text)', kind: 'function' },
  { label: 'RegExp', kind: 'function' },
  { label: 'Map', kind: 'function' },
  { label: 'Set', kind: 'function' },
];
const OF_STEP: readonly Option[] = [
  { label: 'item', detail: 'the item that this one comes from', kind: 'property' },
  { label: 'json', detail: 'its JSON', kind: 'property' },
  { label: 'first', detail: 'first(port)', kind: 'method', apply: 'first()' },
  { label: 'last', detail: 'last(port)', kind: 'method', apply: 'last()' },
  { label: 'all', detail: 'all(port)', kind: 'method', apply: 'all()' },
];

function rootsOf(known: Known): Option[] {
  const example = known.items[known.at];
  const variables = sampleOf(known.variables);
  return [
    { label: '$json', detail: sampleOf(example?.json), kind: 'variable' },
    { label: '$vars', detail: variables, kind: 'variable' },
    { label: '$', detail: "$('step')", kind: 'function', apply: "$('" },
    { label: '$now', kind: 'variable' },
    { label: '$items', detail: `[${known.items.length}]`, kind: 'variable' },
    { label: '$item', detail: '{json, files}', kind: 'variable' },
    { label: '$index', detail: String(known.at), kind: 'variable' },
    { label: '$secrets', detail: known.secrets.join(', '), kind: 'variable' },
    { label: '$round', kind: 'variable' },
    { label: '$run', kind: 'variable' },
    { label: '$job', kind: 'variable' },
    { label: '$preset', kind: 'variable' },
  ];
}

/** What can stand behind a dot after a value. */
function membersOf(value: unknown): Option[] {
  if (typeof value === 'string') return [...ON_TEXT];
  if (typeof value === 'number') return [...ON_NUMBER];
  if (value instanceof Date) return [...ON_DATE];
  if (Array.isArray(value)) return [...ON_LIST];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([label, child]) => ({ label, detail: sampleOf(child), kind: 'property' }));
}

const fieldsOfItem = (item: Item | undefined): unknown => ({ json: item?.json, files: item?.files ?? {} });

/** The value of the name that an expression begins with, and the rest of it. */
function rooted(root: string, known: Known): unknown {
  const example = known.items[known.at];
  switch (root) {
    case '$json':
      return example?.json;
    case '$item':
      return fieldsOfItem(example);
    case '$items':
      return known.items.map(fieldsOfItem);
    case '$vars':
      return known.variables;
    case '$secrets':
      return Object.fromEntries(known.secrets.map((name) => [name, '']));
    case '$now':
      return new Date(0);
    default:
      return undefined;
  }
}

const MEMBERS = String.raw`(?:\??\.[A-Za-z_$][\w$]*|(?:\?\.)?\[(?:\d+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\])`;
const AFTER_ROOT = new RegExp(String.raw`(?:^|[^\w$.])(\$\w+)(${MEMBERS}*)\??\.([\w$]*)$`);
const AFTER_STEP = new RegExp(
  String.raw`\$\((["'])((?:(?!\1).)*)\1\)(?:\.(item|json|first\([^()]*\)|last\([^()]*\)|all\([^()]*\)\[\d+\]))?(${MEMBERS}*)\??\.([\w$]*)$`,
);

/** Completions at a place of an expression; `at` counts from its start. Undefined when nothing is known to fit. */
export function completionsAt(code: string, at: number, known: Known): Options | undefined {
  const before = code.slice(0, at);
  const inName = /\$\((["'])([^"'\n]*)$/.exec(before);
  if (inName) {
    const quote = inName[1] ?? "'";
    const closes = code.slice(at).startsWith(`${quote})`);
    const options = known.steps.map(
      (step): Option => ({
        label: step.name,
        detail: sampleOf(step.sample?.json),
        kind: 'text',
        apply: closes ? step.name : `${step.name}${quote})`,
      }),
    );
    return { from: at - (inName[2] ?? '').length, options };
  }
  const step = AFTER_STEP.exec(before);
  if (step) {
    const [, , name = '', which, members = '', typed = ''] = step;
    const from = at - typed.length;
    if (which === undefined) return members === '' ? { from, options: OF_STEP } : undefined;
    const sample = known.steps.find((it) => it.name === name)?.sample;
    const base = which === 'json' ? sample?.json : fieldsOfItem(sample);
    const path = readMembers(members);
    return path && some(from, memberOptions(valueAt(base, path)));
  }
  const root = AFTER_ROOT.exec(before);
  if (root) {
    const [, name = '', members = '', typed = ''] = root;
    const path = readMembers(members);
    return path && some(at - typed.length, memberOptions(valueAt(rooted(name, known), path)));
  }
  const global = /(?:^|[^\w$.])([A-Z]\w*)\.([\w$]*)$/.exec(before);
  if (global) return some(at - (global[2] ?? '').length, OF_GLOBALS[global[1] ?? ''] ?? []);
  const word = /(?:^|[^\w$.])(\$\w*|[A-Za-z]\w*|)$/.exec(before);
  if (!word || /\.\s*$/.test(before)) return undefined;
  const typed = word[1] ?? '';
  return {
    from: at - typed.length,
    options: typed === '' || typed.startsWith('$') ? rootsOf(known) : [...GLOBALS, ...rootsOf(known)],
  };
}

const some = (from: number, options: readonly Option[]): Options | undefined =>
  options.length > 0 ? { from, options } : undefined;

/** Members; names that no dot can precede are written with brackets by the editor (`apply` begins with `[`). */
const memberOptions = (value: unknown): Option[] =>
  membersOf(value).map((it) =>
    it.kind === 'property' && !/^[A-Za-z_$][\w$]*$/.test(it.label)
      ? { ...it, apply: `[${JSON.stringify(it.label)}]` }
      : it,
  );

/** How scripts in each language reach into an item's JSON, up to the name that is being typed. */
const IN_SCRIPT: Readonly<Record<string, RegExp>> = {
  python: /json(?:\[["']|\.get\(["'])(\w*)$/,
  javascript: /json(?:\?\.|\.|\[["'])([\w$]*)$/,
  php: /\[["']json["']\]\[["'](\w*)$/,
  ruby: /\[["']json["']\]\[["'](\w*)$/,
  perl: /\{json\}\{["']?(\w*)$/,
};

/** Names of fields in scripts: after `item.json['`, `$_->{json}{` and the like. */
export function fieldsInScript(language: string, line: string, at: number, known: Known): Options | undefined {
  const found = IN_SCRIPT[language]?.exec(line.slice(0, at));
  if (!found) return undefined;
  const options = membersOf(known.items[known.at]?.json).filter((it) => it.kind === 'property');
  return some(at - (found[1] ?? '').length, options);
}
