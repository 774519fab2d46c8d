//! What every part of the designer shares: the editor, what is selected, and how the last run went.
import { createContext, useContext } from 'react';
import type { Item } from '@/shared/api/types';
import type { DocPlace, PresetEditor } from '@/shared/document/types';
import type { KeyedStore } from '@/shared/graph/keyed-store';
import type { Manifests } from '@/shared/graph/model';
import type { View } from '@/shared/history/view';

export type RunScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'until'; readonly step: string }
  | { readonly kind: 'only'; readonly step: string };

/** `place` is where to look, such as `['steps', 'fetch', 'config', 'url']`; a new object for each time that somebody is sent there. */
export type PanelState = {
  readonly isWide: boolean;
  readonly place?: DocPlace;
  /** The line of the code at `place`, from 1. */
  readonly line?: number;
};

export interface Designer {
  readonly editor: PresetEditor;
  readonly manifests: Manifests;
  /** Selected cards, wires, notes and groups, by id; a store for `useSyncExternalStore`. */
  readonly selection: {
    get(): ReadonlySet<string>;
    set(ids: Iterable<string>): void;
    subscribe(listener: () => void): () => void;
  };
  /** The newest run of this workflow that this tab started or chose, folded live. */
  readonly run: {
    job(): string | undefined;
    /** A new object for each change, so that it can be compared. */
    view(): View | undefined;
    choose(job: string | undefined): void;
    /** Whether a step has been changed since that run, so that its results are those of another step. */
    isOld(step: string): boolean;
    subscribe(listener: () => void): () => void;
  };
  /** How the panel of a step is shown: whether it is wide (input, config, output side by side), and at which place of the document. */
  readonly panel: {
    get(): PanelState;
    set(state: PanelState): void;
    subscribe(listener: () => void): () => void;
  };
  /** What the node's check has found, by step; filled by whoever asks for it. */
  readonly problems: KeyedStore<number>;
  /** Says something on the screen and aloud, for a few seconds. */
  say(text: string): void;
  start(scope: RunScope): Promise<void>;
  /**
   * What goes into a step or came out of it, for tables, completion and previews: the pin when there is one, else the last run.
   * Undefined when nothing is known.
   */
  data(
    step: string,
    side: 'in' | 'out',
    port?: string,
  ): Promise<{ readonly items: readonly Item[]; readonly total: number; readonly from: 'pin' | 'run' } | undefined>;
  /** Shows a step: selects it, brings it into sight, opens its panel at `place` of its config when one is given. */
  show(step: string, place?: readonly (string | number)[]): void;
  /**
   * Tells the others in which place of the document the person writes. Whoever holds the presence puts it together with the selection and
   * the cursor: `editor.present` replaces all of it.
   */
  writing(place: DocPlace | undefined): void;
}

export const DesignerContext = createContext<Designer | undefined>(undefined);

export function useDesigner(): Designer {
  const designer = useContext(DesignerContext);
  if (!designer) throw new Error('no designer around');
  return designer;
}
