//! An editor in React. Each hook renders again only when what it gives is another value.
import { useCallback, useRef, useSyncExternalStore } from 'react';
import type { DocPlace, Peer, PresetEditor, Snapshot, SyncState } from './types';

/** A part of the present. The selector may make new arrays and objects: as long as their elements are the same, so is the answer. */
export function useSnapshot<T>(editor: PresetEditor, selector: (snapshot: Snapshot) => T): T {
  const last = useRef<{ readonly of: Snapshot; readonly by: (snapshot: Snapshot) => T; readonly value: T }>(undefined);
  const read = (): T => {
    const of = editor.snapshot();
    const known = last.current;
    if (known && known.of === of && known.by === selector) return known.value;
    const made = selector(of);
    const value = known && isAlike(known.value, made) ? known.value : made;
    last.current = { of, by: selector, value };
    return value;
  };
  return useSyncExternalStore(useSubscribe(editor), read);
}

/** How the document stands to the node. */
export const useSync = (editor: PresetEditor): SyncState =>
  useSyncExternalStore(useSubscribe(editor), () => editor.sync());

export const useCanEdit = (editor: PresetEditor): boolean =>
  useSyncExternalStore(useSubscribe(editor), () => editor.canEdit());
/** Whether this browser keeps what the node has not got. */
export const useIsKept = (editor: PresetEditor): boolean =>
  useSyncExternalStore(useSubscribe(editor), () => editor.isKept());
export const useCanUndo = (editor: PresetEditor): boolean =>
  useSyncExternalStore(useSubscribe(editor), () => editor.canUndo());
export const useCanRedo = (editor: PresetEditor): boolean =>
  useSyncExternalStore(useSubscribe(editor), () => editor.canRedo());

/** Who else looks at the document. */
export const usePeers = (editor: PresetEditor): readonly Peer[] =>
  useSyncExternalStore(useSubscribe(editor), () => editor.peers());

/** The values that people chose for one place at the same time; empty when all agree. */
export function useConflicts(editor: PresetEditor, place: DocPlace): readonly unknown[] {
  const last = useRef<{ readonly text: string; readonly values: readonly unknown[] }>(undefined);
  return useSyncExternalStore(useSubscribe(editor), () => {
    const values = editor.conflicts(place);
    const text = JSON.stringify(values);
    if (last.current?.text !== text) last.current = { text, values };
    return last.current.values;
  });
}

const useSubscribe = (editor: PresetEditor) =>
  useCallback((listener: () => void) => editor.subscribe(listener), [editor]);

function isAlike(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  if (one instanceof Map || one instanceof Set) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(right, key) && Object.is(left[key], right[key]));
}
