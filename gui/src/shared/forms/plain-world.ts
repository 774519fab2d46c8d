//! A form's world for values of our own: no expressions, no data, nobody who says what is wrong but the form's own check.
import { useMemo } from 'react';
import { NOTHING_KNOWN } from '../code/known';
import { useMessages } from '../i18n/messages';
import { check, wrongWords } from './check';
import type { ObjectField } from './schema';
import { type FormTarget, type FormWorld, pointerOf, type Said } from './target';

const NOBODY: FormWorld['writers'] = new Map();
const NOTHING_SAID: FormWorld['said'] = new Map();

/** The world of a form over one value. `target` must stay the same object. `also` is said beside what the form finds itself. */
export function usePlainWorld(
  target: FormTarget,
  canEdit: boolean,
  form: ObjectField,
  value: unknown,
  also: FormWorld['said'] = NOTHING_SAID,
): FormWorld {
  const t = useMessages();
  return useMemo<FormWorld>(() => {
    const said = new Map<string, readonly Said[]>(also);
    // Told in the person's language, not in the node's too.
    for (const wrong of check(form, value)) said.set(wrong.at, [{ severity: 'error', text: wrongWords(t, wrong) }]);
    return {
      target,
      canEdit,
      known: NOTHING_KNOWN,
      items: [],
      item: 0,
      chooseItem: () => {},
      said,
      writers: NOBODY,
      fieldNames: [],
      fileNames: [],
    };
  }, [target, canEdit, form, value, also, t]);
}

/** A target whose one edit is to set a place; what plain forms have no use for does nothing. */
export const plainTarget = (
  set: FormTarget['set'],
  conflicts: FormTarget['conflicts'],
  settle: FormTarget['settle'],
  read: (path: readonly (string | number)[]) => unknown,
): FormTarget => ({
  set,
  conflicts,
  settle,
  move: (path, from, to) => {
    const list = read(path);
    if (!Array.isArray(list)) return;
    const next = [...list];
    next.splice(to, 0, ...next.splice(from, 1));
    set(path, next);
  },
  rename: (path, from, to) => {
    const value = read([...path, from]);
    set([...path, from], undefined);
    set([...path, to], value);
  },
  text: (path) => ({
    read: () => String(read(path) ?? ''),
    splice: (at, deleted, inserted) => {
      const text = String(read(path) ?? '');
      set(path, text.slice(0, at) + inserted + text.slice(at + deleted), true);
    },
    subscribe: () => () => {},
  }),
  setWith: (_, path, value) => set(path, value),
  entered: () => {},
  grantSecret: () => {},
  preview: () => Promise.reject(new Error(pointerOf([]))),
});
