import { useEffect, useMemo, useRef } from 'react';
import { spliced, type TextBinding } from './binding';

/** A binding over a plain value that a parent holds. */
export function useValueBinding(value: string, onChange: (value: string) => void): TextBinding {
  const now = useRef(value);
  const listeners = useRef(new Set<() => void>());
  const change = useRef(onChange);
  change.current = onChange;
  const binding = useMemo<TextBinding>(
    () => ({
      read: () => now.current,
      splice: (at, deleted, inserted) => {
        now.current = spliced(now.current, { at, deleted, inserted });
        change.current(now.current);
      },
      subscribe: (listener) => {
        listeners.current.add(listener);
        return () => listeners.current.delete(listener);
      },
    }),
    [],
  );
  useEffect(() => {
    if (now.current === value) return;
    now.current = value;
    for (const listener of listeners.current) listener();
  }, [value]);
  return binding;
}
