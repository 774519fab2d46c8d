//! What is wrong with a value, place by place, before the node says it: each field is held against its own part of the schema, so
//! that what is said belongs to one field. Texts with expressions fit wherever expressions are taken.
import { type Schema as Draft, type OutputUnit, Validator } from '@cfworker/json-schema';
import { hasExpression } from '../code/template';
import type { PlainKey, Translate } from '../i18n/messages';
import { type Field, formOfValue, isRecord, type Schema } from './schema';
import { readSpan } from './spans';
import { type Path, pointerOf } from './target';

type Valued =
  | 'form.wrong.unknown'
  | 'form.wrong.least'
  | 'form.wrong.most'
  | 'form.wrong.shorter'
  | 'form.wrong.longer'
  | 'form.wrong.fewer'
  | 'form.wrong.more';
type Fault =
  | { readonly key: Extract<PlainKey, `form.wrong.${string}`> }
  | { readonly key: Valued; readonly value: string | number };
/** Something wrong at one place, as words of the catalogue. */
export type Wrong = Fault & { readonly at: string };

const validators = new WeakMap<Schema, Validator>();
function validatorOf(schema: Schema): Validator {
  let known = validators.get(schema);
  if (!known) {
    // One error at a place is enough, and stopping early is what keeps every keystroke cheap.
    known = new Validator(schema as Draft, '2020-12', true);
    validators.set(schema, known);
  }
  return known;
}

const KEYWORDS: Readonly<Record<string, (schema: Schema) => Fault>> = {
  type: () => ({ key: 'form.wrong.type' }),
  enum: () => ({ key: 'form.wrong.choice' }),
  const: () => ({ key: 'form.wrong.choice' }),
  oneOf: () => ({ key: 'form.wrong.choice' }),
  anyOf: () => ({ key: 'form.wrong.choice' }),
  pattern: () => ({ key: 'form.wrong.pattern' }),
  format: () => ({ key: 'form.wrong.pattern' }),
  minimum: (schema) => ({ key: 'form.wrong.least', value: schema.minimum ?? 0 }),
  maximum: (schema) => ({ key: 'form.wrong.most', value: schema.maximum ?? 0 }),
  minLength: (schema) =>
    schema.minLength === 1 ? { key: 'form.wrong.empty' } : { key: 'form.wrong.shorter', value: schema.minLength ?? 0 },
  maxLength: (schema) => ({ key: 'form.wrong.longer', value: schema.maxLength ?? 0 }),
  minItems: (schema) => ({ key: 'form.wrong.fewer', value: schema.minItems ?? 0 }),
  maxItems: (schema) => ({ key: 'form.wrong.more', value: schema.maxItems ?? 0 }),
  uniqueItems: () => ({ key: 'form.wrong.unique' }),
};

/** What the schema says against a value. A schema that cannot be read here (a reference, a pattern of Rust's) is left to the node. */
function errorsOf(schema: Schema, value: unknown): readonly OutputUnit[] {
  try {
    return validatorOf(schema).validate(value).errors;
  } catch {
    return [];
  }
}

/** The schema of a leaf without formats that carry units or words of our own. */
function leaf(field: Field, value: unknown, path: Path): Wrong | undefined {
  const errors = errorsOf(field.schema, value);
  if (errors.length === 0) return undefined;
  for (const error of errors) {
    const say = KEYWORDS[error.keyword];
    if (say && error.instanceLocation === '#') return { at: pointerOf(path), ...say(field.schema) };
  }
  return { at: pointerOf(path), key: 'form.wrong.form' };
}

function under(field: Field, value: unknown, path: Path, found: Wrong[]): void {
  switch (field.kind) {
    case 'object':
      if (!isRecord(value)) break;
      for (const it of field.fields) {
        if (value[it.key] !== undefined) visit(it, value[it.key], [...path, it.key], found);
        else if (it.isRequired) found.push({ at: pointerOf([...path, it.key]), key: 'form.wrong.missing' });
      }
      if (field.schema.additionalProperties === false) {
        const known = new Set(field.fields.map((it) => it.key));
        for (const key of Object.keys(value).filter((it) => !known.has(it)))
          found.push({ at: pointerOf([...path, key]), key: 'form.wrong.unknown', value: key });
      }
      return;
    case 'list': {
      if (!Array.isArray(value)) break;
      for (const [at, it] of value.entries()) visit(field.of, it, [...path, at], found);
      const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = field.schema;
      if (value.length < minItems) found.push({ at: pointerOf(path), key: 'form.wrong.fewer', value: minItems });
      if (value.length > maxItems) found.push({ at: pointerOf(path), key: 'form.wrong.more', value: maxItems });
      return;
    }
    case 'map':
      if (!isRecord(value)) break;
      for (const [key, it] of Object.entries(value)) visit(field.of, it, [...path, key], found);
      return;
    case 'union': {
      const form = field.forms[formOfValue(field.forms, value)];
      if (!form) break;
      under(form, value, path, found);
      return;
    }
    case 'duration':
      if (readSpan(value) === undefined) found.push({ at: pointerOf(path), key: 'form.wrong.span' });
      return;
    case 'time':
      if (typeof value !== 'number' && Number.isNaN(Date.parse(String(value))))
        found.push({ at: pointerOf(path), key: 'form.wrong.time' });
      return;
    case 'any':
    case 'condition':
    case 'json':
      break;
    default: {
      const wrong = leaf(field, value, path);
      if (wrong) found.push(wrong);
      return;
    }
  }
  const wrong = leaf(field, value, path);
  if (wrong) found.push(wrong);
}

function visit(field: Field, value: unknown, path: Path, found: Wrong[]): void {
  if (value === null && field.isNullable) return;
  if (value === null && field.hasFallback && field.fallback === null) return;
  if (hasExpression(value)) {
    if (field.takesExpression || field.kind === 'condition') return;
    if (field.kind !== 'text' && field.kind !== 'code') {
      found.push({ at: pointerOf(path), key: 'form.wrong.expression_here' });
      return;
    }
  }
  if (field.isRequired && value === '' && field.kind !== 'code' && field.kind !== 'any') {
    found.push({ at: pointerOf(path), key: 'form.wrong.empty' });
    return;
  }
  under(field, value, path, found);
}

/** Everything that is wrong with the value of a form. */
export function check(form: Field, value: unknown): Wrong[] {
  const found: Wrong[] = [];
  visit(form, value, [], found);
  return found;
}

/** What is wrong, in the person's language. */
export function wrongWords(t: Translate, wrong: Wrong): string {
  return 'value' in wrong ? t(wrong.key, { value: wrong.value }) : t(wrong.key);
}
