//! The form of a step over the document.
import { previewExpression } from '@/shared/api/requests/preview-expression';
import type { Item } from '@/shared/api/types';
import { nameOf } from '@/shared/document/edits/cards';
import { setConfig, setSecrets } from '@/shared/document/edits/config';
import { placeKey } from '@/shared/document/values';
import type { FormTarget, Path } from '@/shared/forms/target';
import type { Designer } from '../context';
import { type CardKind, moveElement, presentAt, renameEntry, settle, textAt } from './card-of';

/** The node takes 1 MiB; what is asked stays well below. */
const INPUT_LETTERS_MAX = 600_000;

/** The items of a preview: all while they are small, else the one that is looked at. */
export function inputFor(
  items: readonly Item[],
  item: number,
): { readonly input: readonly Item[]; readonly item: number } {
  let letters = 0;
  for (const it of items) {
    letters += JSON.stringify(it).length;
    if (letters > INPUT_LETTERS_MAX) {
      const only = items[item];
      return { input: only ? [only] : [], item: 0 };
    }
  }
  return { input: items, item };
}

/** The names in `$('…')` of a text. */
export const stepsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/\$\(\s*(["'`])((?:\\.|(?!\1).)*)\1\s*\)/g)].map((found) => found[2] ?? '')),
];

/** Edits of the config of a card. `items` gives what previews look at. */
export function cardTarget(designer: Designer, of: CardKind, id: string, items: () => readonly Item[]): FormTarget {
  const { editor } = designer;
  const root = [of, id, 'config'] as const;
  const at = (path: Path) => [...root, ...path];
  return {
    set: (path, value, isTyping = false) =>
      editor.apply('panel.edit.option', setConfig(at(path), value), isTyping ? placeKey(at(path)) : undefined),
    move: (path, from, to) => editor.apply('panel.edit.order', moveElement(at(path), from, to)),
    rename: (path, from, to) => {
      const value = presentAt(editor.snapshot().preset, [...at(path), from]);
      editor.apply('panel.edit.rename_option', renameEntry(at(path), from, to, value));
    },
    text: (path) => textAt(editor, at(path), 'panel.edit.text'),
    setWith: (code, path, value) =>
      editor.apply('panel.edit.text', setConfig(at(path), value), `text ${placeKey(at(code))}`),
    settle: (path, value) => editor.apply('panel.edit.option', settle(at(path), value)),
    conflicts: (path) => editor.conflicts(at(path)),
    entered: (path) => designer.writing(path && at(path)),
    grantSecret: (name) => {
      const granted = editor.snapshot().preset.steps?.[id]?.secrets ?? [];
      if (of !== 'steps' || granted.includes(name)) return;
      editor.apply('panel.edit.secrets', setSecrets(id, [...granted, name]));
    },
    preview: async ({ text, item }, signal) => {
      const { preset } = editor.snapshot();
      const named = await Promise.all(
        stepsIn(text).map(async (name) => {
          const step = Object.keys(preset.steps ?? {}).find((it) => it === name || nameOf(preset, it) === name);
          const data = step === undefined ? undefined : await designer.data(step, 'out');
          return [name, [...(data?.items ?? [])]] as const;
        }),
      );
      const variables = Object.fromEntries(
        Object.entries(preset.variables ?? {}).map(([name, it]) => [name, it.value]),
      );
      const sent = inputFor(items(), item);
      const ask = {
        text,
        variables,
        steps: Object.fromEntries(named.map(([name, given]) => [name, [...given]])),
        input: [...sent.input],
        item: sent.item,
      };
      const { value, error } = await previewExpression(ask, signal);
      return error ? { error } : { value };
    },
  };
}
