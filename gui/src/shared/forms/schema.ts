//! A component's JSON Schema as a form: which fields, of which kind, in which order. Plain data; how fields are drawn is beside it.
//! The node writes its schemas without references (node/components/src/config.rs); one that has them anyway is edited as JSON.
import { type Hint, type Hints, hintsOf } from './hints';

/** The part of JSON Schema that configs use. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly items?: Schema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly contentMediaType?: string;
  readonly $ref?: string;
  readonly 'x-expression'?: boolean;
  readonly 'x-field'?: boolean;
  readonly 'x-language'?: string;
  readonly 'x-secret'?: boolean;
}

export type Choice = {
  readonly value: string | number | boolean;
  readonly label: string;
  /** What people read instead of the value. */
  readonly title: string | undefined;
  readonly docs: string;
};
export type Unit = 'ms' | 'mb' | 'bytes';
/** What a text names, where its possible values are known. */
export type Suggest = 'field' | 'file' | 'header' | 'media' | 'friend' | LentName;
/** Names of what is lent: a workflow, a component, an engine that runs these, an engine with a model. */
export type LentName = 'lent' | 'tool' | 'engine' | 'asked';

export type Kind =
  | { readonly kind: 'text'; readonly rows: number; readonly suggest?: Suggest; readonly placeholder?: string }
  | { readonly kind: 'code'; readonly language: string }
  | { readonly kind: 'number'; readonly isWhole: boolean; readonly unit?: Unit }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'choice'; readonly choices: readonly Choice[] }
  | { readonly kind: 'list'; readonly of: Field }
  | { readonly kind: 'object'; readonly fields: readonly Field[] }
  | { readonly kind: 'map'; readonly of: Field }
  | { readonly kind: 'union'; readonly forms: readonly Field[] }
  | Bare<'any' | 'duration' | 'time' | 'date' | 'cron' | 'secret' | 'preset' | 'path' | 'condition' | 'json'>;
/** Kinds that carry nothing more. */
type Bare<K> = K extends string ? { readonly kind: K } : never;

export type Field = Kind & {
  /** Its name in the config; empty for elements of lists and maps. */
  readonly key: string;
  readonly title: string;
  readonly docs: string;
  readonly isRequired: boolean;
  /** Whether null is a value that it takes. */
  readonly isNullable: boolean;
  readonly takesExpression: boolean;
  readonly hasFallback: boolean;
  readonly fallback: unknown;
  readonly schema: Schema;
  readonly hint: Hint;
};
export type ObjectField = Extract<Field, { kind: 'object' }>;

const DEPTH_MAX = 8;
const NO_HINT: Hint = {};

type Asked = {
  readonly key: string;
  readonly path: string;
  readonly isRequired: boolean;
  readonly takes: boolean;
  readonly depth: number;
};

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const typesOf = (schema: Schema): readonly string[] =>
  schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;

const asSchema = (value: unknown): Schema => (isRecord(value) ? (value as Schema) : {});

/** `group_by` for people: `Group by`. */
export function humanise(key: string): string {
  const words = key.replace(/_ms$/, '').replace(/_mb$/, '').replace(/[_-]+/g, ' ').trim();
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return text.replace(/\b(url|json|http|https|id|csv|html|xml|sql|api|ip|uri)\b/gi, (word) => word.toUpperCase());
}

/** The alternatives of a schema, nested ones laid flat, without null. */
function alternativesOf(schema: Schema): Schema[] {
  const under = schema.oneOf ?? schema.anyOf;
  if (!under) return [schema];
  return under.flatMap(alternativesOf).filter((it) => it.type !== 'null');
}

const takesNull = (schema: Schema): boolean =>
  typesOf(schema).includes('null') || (schema.oneOf ?? schema.anyOf ?? []).some(takesNull);

/** The words that a schema allows, when it is nothing but words. */
function choicesOf(schema: Schema): Choice[] | undefined {
  const alternatives = alternativesOf(schema);
  const found: Choice[] = [];
  for (const it of alternatives) {
    const values = it.const !== undefined ? [it.const] : it.enum;
    if (!values) return undefined;
    for (const value of values) {
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
      const docs = alternatives.length > 1 && it.const !== undefined ? (it.description ?? '') : '';
      found.push({ value, label: String(value), title: it.const === undefined ? undefined : it.title, docs });
    }
  }
  return found.length > 0 ? found : undefined;
}

/** `text/x-python` is `python`. */
const LANGUAGE_OF_MEDIA: Readonly<Record<string, string>> = {
  'text/x-shellscript': 'bash',
  'text/javascript': 'javascript',
  'text/x-python': 'python',
  'text/x-php': 'php',
  'text/x-perl': 'perl',
  'text/x-ruby': 'ruby',
  'application/json': 'json',
  'text/markdown': 'markdown',
  'text/html': 'html',
  'text/css': 'css',
  'application/sql': 'sql',
};

const FORMATS: Readonly<Record<string, 'duration' | 'time' | 'date' | 'cron' | 'path'>> = {
  duration: 'duration',
  'date-time': 'time',
  date: 'date',
  cron: 'cron',
  path: 'path',
};

function textKind(schema: Schema, hint: Hint): Kind {
  const language = schema['x-language'] ?? LANGUAGE_OF_MEDIA[schema.contentMediaType ?? ''] ?? hint.language;
  if (language) return { kind: 'code', language };
  if (schema['x-secret'] || schema.format === 'password') return { kind: 'secret' };
  const special = FORMATS[schema.format ?? ''];
  if (special) return bare(special);
  const suggest = hint.suggest ?? (schema['x-field'] ? 'field' : undefined);
  return { kind: 'text', rows: hint.rows ?? 1, suggest, placeholder: hint.placeholder };
}

/** A kind by its name; the compiler does not see that a union of names makes a union of kinds. */
const bare = <K extends NonNullable<Hint['kind']>>(kind: K): Kind => ({ kind }) as Kind;

const unitOf = (key: string): Unit | undefined =>
  key.endsWith('_ms') ? 'ms' : key.endsWith('_mb') ? 'mb' : key.endsWith('_bytes') ? 'bytes' : undefined;

function kindOf(schema: Schema, hint: Hint, hints: Hints, asked: Asked): Kind {
  if (hint.kind) return bare(hint.kind);
  if (schema.$ref !== undefined || asked.depth > DEPTH_MAX) return { kind: 'json' };
  const choices = choicesOf(schema);
  if (choices) return { kind: 'choice', choices };
  const under = { takes: asked.takes, depth: asked.depth + 1, isRequired: false };
  const alternatives = alternativesOf(schema);
  const [only] = alternatives;
  if (alternatives.length > 1) {
    const forms = alternatives.map((it) => build(it, hints, { ...under, key: '', path: asked.path, isRequired: true }));
    return { kind: 'union', forms };
  }
  if (only && only !== schema) return kindOf(only, hint, hints, asked);
  const types = typesOf(schema).filter((it) => it !== 'null');
  if (types.length > 1) return { kind: 'any' };
  switch (types[0]) {
    case 'string':
      return textKind(schema, hint);
    case 'integer':
    case 'number':
      return { kind: 'number', isWhole: types[0] === 'integer', unit: unitOf(asked.key) };
    case 'boolean':
      return { kind: 'boolean' };
    case 'array':
      return { kind: 'list', of: build(asSchema(schema.items), hints, { ...under, key: '', path: `${asked.path}/*` }) };
    case 'object': {
      if (schema.properties) return { kind: 'object', fields: fieldsOf(schema, hints, asked.path, under) };
      const value = asSchema(schema.additionalProperties);
      return { kind: 'map', of: build(value, hints, { ...under, key: '', path: `${asked.path}/*`, isRequired: true }) };
    }
    default:
      return schema.properties
        ? { kind: 'object', fields: fieldsOf(schema, hints, asked.path, under) }
        : { kind: 'any' };
  }
}

function fieldsOf(
  schema: Schema,
  hints: Hints,
  path: string,
  under: { readonly takes: boolean; readonly depth: number },
): Field[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([key, it]) =>
    build(asSchema(it), hints, {
      ...under,
      key,
      path: path ? `${path}/${key}` : key,
      isRequired: required.has(key),
    }),
  );
}

function build(schema: Schema, hints: Hints, asked: Asked): Field {
  const hint = hints[asked.path] ?? NO_HINT;
  const takes = asked.takes || schema['x-expression'] === true;
  const kind = kindOf(schema, hint, hints, { ...asked, takes });
  const single = kind.kind === 'object' && asked.key === '' && kind.fields.length === 1 ? kind.fields[0] : undefined;
  return {
    ...kind,
    key: asked.key,
    title: schema.title ?? single?.title ?? humanise(asked.key),
    docs: schema.description ?? '',
    isRequired: asked.isRequired,
    isNullable: takesNull(schema),
    takesExpression: takes,
    hasFallback: schema.default !== undefined,
    fallback: schema.default,
    schema,
    hint,
  };
}

/** The form of a component's config. */
export function formOf(component: string, config: unknown): ObjectField {
  const schema = asSchema(config);
  const hints = hintsOf(component);
  const fields = fieldsOf(schema, hints, '', { takes: false, depth: 0 });
  return {
    kind: 'object',
    fields,
    key: '',
    title: '',
    docs: schema.description ?? '',
    isRequired: true,
    isNullable: false,
    takesExpression: false,
    hasFallback: false,
    fallback: undefined,
    schema,
    hint: NO_HINT,
  };
}

/** With so few fields all are shown at once. */
const FEW_FIELDS = 4;

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** Whether a field has a meaning while its neighbours are as they are: `key` of a merge only when it merges by key. */
function applies(field: Field, fields: readonly Field[], value: Readonly<Record<string, unknown>>): boolean {
  const { needs, unless } = field.hint;
  if (needs !== undefined && isBlank(value[needs])) return false;
  if (unless !== undefined && !isBlank(value[unless])) return false;
  return Object.entries(field.hint.when ?? {}).every(([key, wanted]) => {
    const fallback = fields.find((it) => it.key === key)?.fallback;
    return wanted.includes(String(value[key] ?? fallback));
  });
}

/** Which fields of an object are drawn, and which wait behind "add option". A field with a value is always drawn. */
export function shownOf(
  fields: readonly Field[],
  value: Readonly<Record<string, unknown>>,
): { readonly shown: readonly Field[]; readonly more: readonly Field[] } {
  const relevant = fields.filter((field) => value[field.key] !== undefined || applies(field, fields, value));
  const areFew = fields.length <= FEW_FIELDS;
  const isShown = (field: Field) =>
    field.isRequired ||
    value[field.key] !== undefined ||
    (field.hint.isMain ?? (areFew || field.hint.when !== undefined));
  return { shown: relevant.filter(isShown), more: relevant.filter((field) => !isShown(field)) };
}

/** What a field begins as when somebody adds it. */
export function firstValue(field: Field): unknown {
  if (field.hint.first !== undefined) return structuredClone(field.hint.first);
  if (field.hasFallback && field.fallback !== null) return structuredClone(field.fallback);
  switch (field.kind) {
    case 'number':
      return field.schema.minimum !== undefined && field.schema.minimum > 0 ? field.schema.minimum : 0;
    case 'boolean':
      return false;
    case 'choice':
      return field.choices[0]?.value;
    case 'list':
      return [];
    case 'map':
    case 'object':
      return firstObject(field.kind === 'object' ? field.fields : []);
    case 'union':
      return field.forms[0] ? firstValue(field.forms[0]) : null;
    default:
      return '';
  }
}

/** An object with its required fields. */
export const firstObject = (fields: readonly Field[]): Record<string, unknown> =>
  Object.fromEntries(fields.filter((it) => it.isRequired).map((it) => [it.key, firstValue(it)]));

/** Which form of a union a value has: the first that fits by its type and keys. */
export function formOfValue(forms: readonly Field[], value: unknown): number {
  const fits = (field: Field): boolean => {
    switch (field.kind) {
      case 'object':
        return isRecord(value) && field.fields.every((it) => !it.isRequired || it.key in value);
      case 'map':
        return isRecord(value);
      case 'list':
        return Array.isArray(value);
      case 'number':
        return typeof value === 'number';
      case 'boolean':
        return typeof value === 'boolean';
      case 'any':
      case 'json':
        return true;
      default:
        return typeof value === 'string';
    }
  };
  return forms.findIndex(fits);
}
