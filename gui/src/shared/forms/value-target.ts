//! A form over a value that a component of React holds: what dialogs fill in that belongs to no document yet.
import { useMemo, useRef } from 'react';
import { previewExpression } from '../api/requests/preview-expression';
import { spliced } from '../code/binding';
import { asText } from '../format/json';
import { plainTarget } from './plain-world';
import { isRecord } from './schema';
import type { FormTarget, Path } from './target';

/** What a value holds at a place; undefined where there is nothing. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Object.hasOwn(at, key) ? (at as Record<string | number, unknown>)[key] : undefined;
  }
  return at;
}

/** The value with another one at a place; `undefined` takes what is there away, out of a list too. */
export function withValue(value: unknown, path: Path, next: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return next;
  if (Array.isArray(value) || (value === undefined && typeof key === 'number')) {
    const list: unknown[] = [...((value as unknown[] | undefined) ?? [])];
    const inner = withValue(list[Number(key)], rest, next);
    if (inner === undefined) list.splice(Number(key), 1);
    else list[Number(key)] = inner;
    return list;
  }
  const of = isRecord(value) ? value : {};
  const inner = withValue(of[key], rest, next);
  if (inner !== undefined) return { ...of, [key]: inner };
  return Object.fromEntries(Object.entries(of).filter(([name]) => name !== String(key)));
}

/** The value with one name of a map changed, at the place where it stands. */
function renamed(value: unknown, path: Path, from: string, to: string): unknown {
  const map = valueAt(value, path);
  if (!isRecord(map)) return value;
  return withValue(
    value,
    path,
    Object.fromEntries(Object.entries(map).map(([key, it]) => [key === from ? to : key, it])),
  );
}

/** A target over `value`. The same one for as long as the form stands. */
export function useValueTarget(value: unknown, onChange: (value: unknown) => void): FormTarget {
  const now = useRef({ value, onChange });
  now.current = { value, onChange };
  const listeners = useRef(new Set<() => void>());
  return useMemo(() => {
    const keep = (next: unknown) => {
      // Several edits may come before the next render.
      now.current = { ...now.current, value: next };
      now.current.onChange(next);
      for (const listener of listeners.current) listener();
    };
    const read = (path: Path) => valueAt(now.current.value, path);
    const set = (path: Path, next: unknown) => keep(withValue(now.current.value, path, next));
    return {
      ...plainTarget(
        set,
        () => [],
        () => {},
        read,
      ),
      rename: (path, from, to) => keep(renamed(now.current.value, path, from, to)),
      text: (path) => ({
        read: () => asText(read(path)),
        splice: (at, deleted, inserted) => set(path, spliced(asText(read(path)), { at, deleted, inserted })),
        subscribe: (listener) => {
          listeners.current.add(listener);
          return () => listeners.current.delete(listener);
        },
      }),
      preview: async ({ text, item }, signal) => {
        const { value: gives, error } = await previewExpression(
          { text, variables: {}, steps: {}, input: [], item },
          signal,
        );
        return error ? { error } : { value: gives };
      },
    };
  }, []);
}
