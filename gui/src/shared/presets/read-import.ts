//! What a text that somebody brings in is.
import type { Preset } from '../api/types';
import { unfenced } from '../document/edits/unfenced';
import { nameFrom } from './naming';

export type Brought =
  | { readonly kind: 'empty' }
  /** A workflow of Flowork. `preset` is as it came, with a name that names may have. */
  | { readonly kind: 'flowork'; readonly preset: Preset; readonly title: string; readonly steps: number }
  /** A workflow of n8n, which the designer's paste translates as far as it can. */
  | { readonly kind: 'n8n'; readonly title: string; readonly nodes: number; readonly hasTrigger: boolean }
  /** JSON of something else. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'no-json'; readonly why: string };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const words = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

/** Reads a text; it may stand in a Markdown code fence, as chats and documents give it. */
export function readImport(text: string): Brought {
  const inner = unfenced(text);
  if (inner.trim() === '') return { kind: 'empty' };
  let value: unknown;
  try {
    value = JSON.parse(inner);
  } catch (error) {
    return { kind: 'no-json', why: error instanceof Error ? error.message : String(error) };
  }
  if (!isRecord(value)) return { kind: 'unknown' };
  if (typeof value.flowork === 'string' || isRecord(value.steps)) {
    const title = words(value.title) || words(value.name);
    const name = /^[a-z0-9-]{1,64}$/.test(words(value.name)) ? words(value.name) : nameFrom(title);
    // The node reads it whole and says what does not fit; here only the name is needed.
    const preset = { ...value, flowork: words(value.flowork) || 'preset/1', name } as Preset;
    return { kind: 'flowork', preset, title: title || name, steps: Object.keys(value.steps ?? {}).length };
  }
  const types = Array.isArray(value.nodes) ? value.nodes.map((node) => (isRecord(node) ? words(node.type) : '')) : [];
  if (types.some((type) => type !== '')) {
    const hasTrigger = types.some((type) => /trigger$|\.(webhook|cron|start|interval)$/i.test(type));
    return { kind: 'n8n', title: words(value.name) || 'n8n', nodes: types.length, hasTrigger };
  }
  return { kind: 'unknown' };
}
