import { useRef, useState } from 'react';
import { type Path, useForm } from './target';

/**
 * The text of a field while somebody types in it. What others write meanwhile shows at once, but an answer that comes late never takes
 * letters back.
 */
export function useTyped(value: string, commit: (text: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const seen = useRef(value);
  let shown = text;
  if (seen.current !== value) {
    // Ours has come back when it is what was sent last.
    if (value !== text) {
      setText(value);
      shown = value;
    }
    seen.current = value;
  }
  return [
    shown,
    (next) => {
      setText(next);
      commit(next);
    },
  ];
}

/** [`useTyped`] for a field that is left out when it is emptied, unless it is required. */
export function useTypedText(field: { readonly isRequired: boolean }, path: Path, value: string) {
  const { target } = useForm();
  return useTyped(value, (next) => target.set(path, next === '' && !field.isRequired ? undefined : next, true));
}
