import { useState } from 'react';

/**
 * Gives the focus back when a dialog closes: to what had it before, or to the page's main part when that is gone. Dialogs
 * that are opened by state have no trigger that would do it. Call it in the dialog's own component; give the answer to
 * `onCloseAutoFocus`.
 */
export function useFocusBack(): (event: Event) => void {
  // Read while it renders for the first time: afterwards a field of the dialog may have taken the focus already.
  const [before] = useState(() => document.activeElement);
  return (event) => {
    event.preventDefault();
    const isThere = before instanceof HTMLElement && before.isConnected && before !== document.body;
    (isThere ? before : document.getElementById('main'))?.focus({ preventScroll: true });
  };
}
