//! What schemas do not say about the components that we ship: which text names a secret, which fields have a meaning only beside
//! others, which are looked for first. A component without hints gets a good form from its schema alone.
import type { StartsOf } from '../code/starts';
import type { Suggest } from './schema';

export type Hint = {
  readonly kind?: 'any' | 'duration' | 'time' | 'date' | 'cron' | 'secret' | 'preset' | 'path' | 'condition' | 'json';
  /** Under which key of the catalogue (i18n/words/fields) its name stands, when not under its own. */
  readonly name?: string;
  /** Shown at once although it is optional (true), or behind "add option" (false). */
  readonly isMain?: boolean;
  /** Has a meaning only while these neighbours have one of these values. */
  readonly when?: Readonly<Record<string, readonly string[]>>;
  /** Has a meaning only when this neighbour holds something. */
  readonly needs?: string;
  /** Has a meaning only when this neighbour holds nothing: one of the two is said. */
  readonly unless?: string;
  readonly rows?: number;
  readonly suggest?: Suggest;
  readonly language?: string;
  /** Whose code it holds: what an empty one can begin with. */
  readonly starts?: StartsOf;
  readonly placeholder?: string;
  /** What it begins as when somebody adds it, where nothing in the schema says that. */
  readonly first?: unknown;
};
/** By path: `auth/bearer`; `*` stands for every element of a list or a map. */
export type Hints = Readonly<Record<string, Hint>>;

const MAIN: Hint = { isMain: true };
const LATER: Hint = { isMain: false };

const script = (starts: StartsOf): Hints => ({
  code: { starts },
  mode: MAIN,
  outputs: LATER,
  timeout_ms: LATER,
  memory_mb: LATER,
  permissions: LATER,
  'permissions/read/*': { kind: 'path' },
  'permissions/write/*': { kind: 'path' },
  'permissions/paths_from_config': LATER,
  stdout: LATER,
  parse: { when: { stdout: ['output'] }, isMain: false },
  effect: LATER,
});

const CONDITION: Hints = {
  condition: { kind: 'condition', isMain: true },
  rules: MAIN,
  combine: { needs: 'rules', isMain: true },
};

/** Where something may leave this machine. */
const NOT_ONLY_HERE = { at: ['friend', 'anywhere'] };

/** An answer with one text in it. */
const ANSWER_FORM = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };

const COMPUTE: Hints = {
  'compute/*/of': { isMain: true },
  'compute/*/as': { name: 'result_name', isMain: true },
  'group_by/*/as': { name: 'result_name' },
};

const HINTS: Readonly<Record<string, Hints>> = {
  aggregate: COMPUTE,
  approval: {
    message: { rows: 3, isMain: true },
    expires: { kind: 'duration', isMain: true },
    on_expiry: MAIN,
  },
  bash: script('bash'),
  javascript: script('javascript'),
  perl: script('perl'),
  php: script('php'),
  python: script('python'),
  ruby: script('ruby'),
  code: { code: { starts: 'code' }, mode: MAIN, timeout_ms: LATER },
  borrow: {
    preset: { suggest: 'lent', unless: 'tool', isMain: true },
    tool: { name: 'component', suggest: 'tool', unless: 'preset' },
    at: { name: 'where', isMain: true },
    peer: { name: 'friend', suggest: 'friend', when: NOT_ONLY_HERE, isMain: true },
    engine: { suggest: 'engine' },
    wait: { name: 'wait_for', kind: 'duration', isMain: true },
    when_away: { when: NOT_ONLY_HERE, isMain: true },
  },
  chat: {
    prompt: { name: 'question', rows: 4, isMain: true },
    system: { name: 'instructions', rows: 2, isMain: true },
    at: { name: 'where', isMain: true },
    peer: { name: 'friend', suggest: 'friend', when: NOT_ONLY_HERE },
    engine: { suggest: 'asked', isMain: false },
    schema: { name: 'answer_form', kind: 'json', first: ANSWER_FORM },
    max_tokens: { first: 500 },
    wait: { name: 'wait_for', kind: 'duration', isMain: false },
    when_away: { when: NOT_ONLY_HERE, isMain: false },
  },
  'csv-parse': {
    from: MAIN,
    file: { suggest: 'file', isMain: true },
    types: MAIN,
    required: LATER,
  },
  'csv-write': { columns: MAIN, to: MAIN, file_name: { when: { to: ['file'] } } },
  filter: CONDITION,
  if: CONDITION,
  'http-request': {
    method: MAIN,
    query: MAIN,
    headers: MAIN,
    'headers/*': { suggest: 'header' },
    auth: MAIN,
    'auth/bearer': { kind: 'secret' },
    'auth/basic/password': { kind: 'secret' },
    'auth/header/secret': { kind: 'secret' },
    'auth/header/name': { suggest: 'header' },
    body: MAIN,
    'body/text': { rows: 4 },
    'body/file': { suggest: 'file' },
  },
  json: {
    do: MAIN,
    from: MAIN,
    to: MAIN,
    pretty: { when: { do: ['stringify'] } },
  },
  'list-files': { folder: { kind: 'path' }, patterns: MAIN, recursive: MAIN },
  merge: {
    mode: MAIN,
    key: { when: { mode: ['by-key'] } },
    key_b: { when: { mode: ['by-key'] } },
    join: { when: { mode: ['by-key', 'by-position'] } },
    prefer: { when: { mode: ['by-key', 'by-position', 'combinations'] } },
  },
  'read-file': {
    path: { kind: 'path' },
    as: MAIN,
    name: { when: { as: ['file'] } },
    max_lines: { when: { as: ['lines'] } },
    keep: { when: { as: ['lines'] } },
  },
  respond: { body: { rows: 4 }, 'headers/*': { suggest: 'header' } },
  'stop-with-error': { message: { rows: 2 } },
  'sub-preset': { preset: { kind: 'preset' }, variables: MAIN },
  switch: {
    'cases/*/condition': { kind: 'condition', isMain: true },
    'cases/*/rules': MAIN,
    'cases/*/combine': { needs: 'rules', isMain: true },
  },
  wait: { for: { kind: 'duration' }, until: { kind: 'time' } },
  webhook: { method: MAIN, respond: MAIN, auth: MAIN, path: { placeholder: 'orders/new' } },
  'write-file': {
    path: { kind: 'path' },
    what: MAIN,
    text: { when: { what: ['text', 'lines'] }, rows: 4 },
    name: { when: { what: ['file'] }, suggest: 'file' },
    mode: MAIN,
  },
};

export const hintsOf = (component: string): Hints => HINTS[component] ?? {};

/** Names of headers that people send most. */
export const HEADERS: readonly string[] = [
  'Accept',
  'Accept-Language',
  'Authorization',
  'Cache-Control',
  'Content-Type',
  'Cookie',
  'If-Modified-Since',
  'If-None-Match',
  'Idempotency-Key',
  'Location',
  'Origin',
  'Referer',
  'User-Agent',
  'X-Api-Key',
  'X-Request-Id',
];
