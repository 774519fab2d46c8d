//! A workflow that uses what a friend lends.
import type { Preset } from '@/shared/api/types';
import { nameFrom } from '@/shared/presets/naming';
import { blankPreset } from '@/shared/presets/new-draft';

type Borrowed = {
  readonly workflow: string;
  readonly engine: string;
  /** What the friend is called here; undefined for one that is no friend any more. */
  readonly peer: string | undefined;
};
type Words = { readonly title: string; readonly start: string; readonly step: string };

const GAP = 288;

/** A start by hand and behind it the step that runs the workflow at the friend's. */
export function borrowingPreset({ workflow, engine, peer }: Borrowed, words: Words): Preset {
  return {
    ...blankPreset(words.title, nameFrom(words.title), words.start),
    steps: {
      borrow: {
        component: 'borrow',
        name: words.step,
        position: { x: GAP, y: 0 },
        config: { preset: workflow, ...(peer === undefined ? {} : { peer }), engine },
      },
    },
    wires: { w1: { from: { step: 'start', port: 'out' }, to: { step: 'borrow', port: 'in' } } },
  };
}
