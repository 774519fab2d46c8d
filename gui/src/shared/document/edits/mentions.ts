//! Which cards the expressions of a workflow name: `$('Name')`.
import type { DrawnPreset } from '../types';

export type Mention = {
  readonly of: 'steps' | 'triggers';
  /** The card whose config holds it. */
  readonly id: string;
  /** Where in its config. */
  readonly path: readonly (string | number)[];
  readonly name: string;
};

const NAMED = /\$\(\s*(['"`])((?:\\.|(?!\1).)*)\1\s*[,)]/g;
const EXPRESSION = /\{\{([\s\S]*?)\}\}/g;

/** The parts of a text that are read as an expression. `$('#id')` in a page or in a shell's script names no step. */
function expressionsIn(text: string, component: string, key: string | number | undefined): string[] {
  if (key === 'code') return component === 'code' ? [text] : [];
  const parts = [...text.matchAll(EXPRESSION)].map((found) => found[1] ?? '');
  return parts.length === 0 && key === 'condition' ? [text] : parts;
}

/** The mentions that name no card, because it was deleted or never was there. */
export function lostMentions(preset: DrawnPreset): Mention[] {
  const found: Mention[] = [];
  const known = new Set<string>();
  for (const cards of [preset.steps, preset.triggers])
    for (const [id, card] of Object.entries(cards ?? {})) known.add(id).add(card.name || id);
  for (const of of ['steps', 'triggers'] as const)
    for (const [id, card] of Object.entries(preset[of] ?? {})) {
      const look = (value: unknown, path: readonly (string | number)[]): void => {
        if (typeof value === 'string') {
          if (!value.includes('$(')) return;
          const parts = expressionsIn(value, card.component, path.at(-1));
          const names = parts.flatMap((part) => Array.from(part.matchAll(NAMED), (it) => it[2] ?? ''));
          for (const name of new Set(names.map((it) => it.replace(/\\(.)/g, '$1'))))
            if (!known.has(name)) found.push({ of, id, path, name });
        } else if (Array.isArray(value)) for (const [index, inner] of value.entries()) look(inner, [...path, index]);
        else if (value && typeof value === 'object')
          for (const [key, inner] of Object.entries(value)) look(inner, [...path, key]);
      };
      look(card.config, []);
    }
  return found;
}
