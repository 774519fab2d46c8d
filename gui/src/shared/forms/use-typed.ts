import { useRef, useState } from 'react';

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
