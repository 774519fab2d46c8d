//! The focus of a field whose editor becomes another one while somebody types in it: letters must not go elsewhere.
import { type FormEvent, useEffect, useRef } from 'react';
import { loadCodeView } from '../code/code-editor';
import { goTo } from '../code/go-to';

/** How long ago the last letter may have come for the field to count as being typed in. */
const TYPING_MS_MAX = 500;
const FRAMES_MAX = 120;

/** Give `frame` and the handlers to the element around both editors; `isFx` says which of them is there. */
export function useKeptFocus(isFx: boolean) {
  const frame = useRef<HTMLDivElement>(null);
  const typed = useRef<{ readonly at: number; readonly when: number }>(undefined);
  useEffect(() => {
    const last = typed.current;
    if (!isFx || !last || performance.now() - last.when > TYPING_MS_MAX) return;
    let frames = FRAMES_MAX;
    const look = (): void => {
      // Whoever went elsewhere meanwhile stays there.
      if (document.activeElement !== document.body) return;
      const text = frame.current?.querySelector<HTMLElement>('.cm-content');
      if (text) {
        text.focus();
        goTo(text, { at: last.at });
      } else if (frames > 0) {
        frames -= 1;
        requestAnimationFrame(look);
      }
    };
    look();
  }, [isFx]);
  return {
    frame,
    onInputCapture: ({ target }: FormEvent) => {
      if (target instanceof HTMLInputElement && target.type !== 'radio' && target.type !== 'checkbox')
        typed.current = { at: target.selectionStart ?? target.value.length, when: performance.now() };
    },
    /** The other editor should be there when it is needed. */
    prepare: () => void loadCodeView().catch(() => {}),
  };
}
