//! What a form edits. The form knows values and paths; the target knows how they are kept, who else writes, and what is known of the data.
import { createContext, useContext } from 'react';
import type { Item } from '../api/types';
import type { TextBinding } from '../code/binding';
import type { Known } from '../code/known';

export type Path = readonly (string | number)[];
export const pointerOf = (path: Path): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
export const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));

export type Writer = { readonly id: string; readonly name: string; readonly colour: string };
export type Said = {
  readonly severity: 'error' | 'warning';
  readonly text: string;
  readonly hint?: string | undefined;
};

/** Edits. The same object for as long as the form stands. */
export interface FormTarget {
  /** Makes a place hold a value; `undefined` takes it away. `isTyping` joins edits in a row to one step of undo. */
  set(path: Path, value: unknown, isTyping?: boolean): void;
  move(path: Path, from: number, to: number): void;
  rename(path: Path, from: string, to: string): void;
  /** The text at a place, for editing letter by letter. */
  text(path: Path): TextBinding;
  /** Several values that people chose at once; the first one shows. */
  conflicts(path: Path): readonly unknown[];
  /** Chooses one of them for everybody. */
  settle(path: Path, value: unknown): void;
  /** Sets a place in the same step of undo as the code that was just put in at another. */
  setWith(code: Path, path: Path, value: unknown): void;
  /** Where the person writes now; for the others. */
  entered(path: Path | undefined): void;
  /** Lets the step use a secret. */
  grantSecret(name: string): void;
  /** Keeps a file on the node. */
  preview(ask: PreviewAsk, signal: AbortSignal): Promise<PreviewAnswer>;
}
export type PreviewAsk = { readonly text: string; readonly item: number };
export type PreviewAnswer =
  | { readonly value: unknown }
  | { readonly error: { readonly message: string; readonly hint?: string | null; readonly place?: string | null } };

/** What a form shows beside its values; changes with the world around. */
export type FormWorld = {
  readonly target: FormTarget;
  readonly canEdit: boolean;
  readonly known: Known;
  /** The items that previews look at, with how many there are in all. */
  readonly items: readonly Item[];
  readonly item: number;
  readonly chooseItem: (item: number) => void;
  readonly said: ReadonlyMap<string, readonly Said[]>;
  readonly writers: ReadonlyMap<string, readonly Writer[]>;
  /** Names of fields of the data, as fields that take names read them. */
  readonly fieldNames: readonly string[];
  readonly fileNames: readonly string[];
};

export const FormContext = createContext<FormWorld | undefined>(undefined);

export function useForm(): FormWorld {
  const world = useContext(FormContext);
  if (!world) throw new Error('no form around');
  return world;
}
