//! Workflows that use what a friend lends.
import type { Preset, Step } from '@/shared/api/types';
import { nameFrom } from '@/shared/presets/naming';
import { blankPreset } from '@/shared/presets/new-draft';

type Borrowed = {
  readonly engine: string;
  /** What the friend is called here; undefined for one that is no friend any more. */
  readonly peer: string | undefined;
};
/** A workflow or a single component, by the name under which it is lent. */
export type Runs = { readonly preset: string } | { readonly tool: string };
type Words = { readonly title: string; readonly start: string; readonly step: string };

const GAP = 288;

/** A start by hand and behind it one step. */
const oneStep = (id: string, step: Pick<Step, 'component' | 'config'>, words: Words): Preset => ({
  ...blankPreset(words.title, nameFrom(words.title), words.start),
  steps: { [id]: { ...step, name: words.step, position: { x: GAP, y: 0 } } },
  wires: { w1: { from: { step: 'start', port: 'out' }, to: { step: id, port: 'in' } } },
});

/** Runs the workflow, or the single component, at the friend's. */
export const borrowingPreset = ({ engine, peer }: Borrowed, what: Runs, words: Words): Preset => {
  const config = { ...what, ...(peer === undefined ? {} : { peer }), engine };
  return oneStep('borrow', { component: 'borrow', config }, words);
};

/** Asks the friend's model something. */
export const askingPreset = ({ engine, peer }: Borrowed, question: string, words: Words): Preset => {
  const config = { prompt: question, at: 'friend', ...(peer === undefined ? {} : { peer }), engine };
  return oneStep('ask', { component: 'chat', config }, words);
};
