//! The models that can be lent.
import type { ModelAt, ModelServer } from '@/shared/api/types';
import { nameFrom } from '@/shared/presets/naming';

/** The servers that were found: those at an address that somebody typed go first, and each stands there once. */
export function serversOf(
  usual: readonly ModelServer[] = [],
  typed: readonly ModelServer[] = [],
): readonly ModelServer[] {
  return [...new Map([...typed, ...usual].map((it) => [it.url, it] as const)).values()];
}

/** Their models, in that order. */
export const modelsOf = (servers: readonly ModelServer[]): readonly ModelAt[] =>
  servers.flatMap(({ url, models }) => models.map((model) => ({ server: url, model })));

/** An engine's name for a model, without where the model came from: `hf.co/somebody/Qwen3-8B` is `qwen3-8b`. */
export const engineFor = (model: string): string => nameFrom(model.slice(model.lastIndexOf('/') + 1));
