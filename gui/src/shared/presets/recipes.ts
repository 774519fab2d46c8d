//! Workflows that give a useful result at once on any machine. They are the repository's own examples.
import type { Preset } from '../api/types';
import type { PlainKey } from '../i18n/messages';

const LOADERS = {
  machine: () => import('../../../../examples/welcome.json'),
  log: () => import('../../../../examples/log-report.json'),
  git: () => import('../../../../examples/git-history.json'),
  order: () => import('../../../../examples/six-languages.json'),
} as const satisfies Record<string, () => Promise<{ default: unknown }>>;

export type RecipeName = keyof typeof LOADERS;
export const RECIPES = Object.keys(LOADERS) as readonly RecipeName[];

export const recipe = async (name: RecipeName): Promise<Preset> => (await LOADERS[name]()).default as Preset;

export const recipeTitle = (name: RecipeName): PlainKey => `recipe.${name}`;
export const recipeHint = (name: RecipeName): PlainKey => `recipe.${name}.hint`;
