//! Components' manifests in the language of the screen. The node's manifests speak English; what the built-in ones say is
//! translated text by text, and a text that nobody knows stays as it is. Names, categories, values and the long docs pages
//! are not touched: they are looked up, compared and searched.
import type { Manifest } from '../api/types';

/** English texts of manifests and what they are in another language. */
export type Texts = Readonly<Record<string, string>>;

/** One text, translated where that is known. */
export const textIn = (texts: Texts, text: string): string =>
  Object.hasOwn(texts, text) ? (texts[text] ?? text) : text;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The keys of a schema whose values are schemas, schemas by name, and lists of schemas. */
const SCHEMAS = new Set(['items', 'additionalProperties', 'not']);
const NAMED = new Set(['properties', 'patternProperties']);
const LISTED = new Set(['oneOf', 'anyOf', 'allOf']);

/** A schema with its titles and descriptions translated; values that happen to be called so are left alone. */
function schemaIn(texts: Texts, schema: unknown): unknown {
  if (!isRecord(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if ((key === 'title' || key === 'description') && typeof value === 'string') return [key, textIn(texts, value)];
      if (SCHEMAS.has(key)) return [key, schemaIn(texts, value)];
      if (NAMED.has(key) && isRecord(value))
        return [key, Object.fromEntries(Object.entries(value).map(([name, it]) => [name, schemaIn(texts, it)]))];
      if (LISTED.has(key) && Array.isArray(value)) return [key, value.map((it) => schemaIn(texts, it))];
      return [key, value];
    }),
  );
}

/** One manifest with its short texts translated. Its docs page begins with the same title and summary as the manifest. */
export function manifestIn(texts: Texts, manifest: Manifest): Manifest {
  const say = (text: string) => textIn(texts, text);
  const ports = (all: Manifest['inputs']) => all.map((port) => ({ ...port, docs: say(port.docs) }));
  return {
    ...manifest,
    title: say(manifest.title),
    summary: say(manifest.summary),
    docs: manifest.docs.replace(manifest.summary, () => say(manifest.summary)),
    inputs: ports(manifest.inputs),
    outputs: ports(manifest.outputs),
    config: schemaIn(texts, manifest.config) as Manifest['config'],
    example: { ...manifest.example, title: say(manifest.example.title) },
  };
}

const known = new WeakMap<readonly Manifest[], WeakMap<Texts, Manifest[]>>();

/** All manifests in a language: the same list gives the same list again, so that nothing is drawn anew for it. */
export function manifestsIn(texts: Texts, all: Manifest[]): Manifest[] {
  if (Object.keys(texts).length === 0) return all;
  const byTexts = known.get(all) ?? new WeakMap<Texts, Manifest[]>();
  known.set(all, byTexts);
  const found = byTexts.get(texts) ?? all.map((it) => manifestIn(texts, it));
  byTexts.set(texts, found);
  return found;
}
