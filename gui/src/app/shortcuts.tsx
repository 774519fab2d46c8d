//! The keys that work everywhere: Mod+K for commands, ? for the help of keys.
import { Suspense, useEffect, useSyncExternalStore } from 'react';
import { lazily } from '@/shared/ui/lazily';

const CommandPalette = lazily(() => import('./command-palette'));
const KeysHelp = lazily(() => import('./keys-help'));

type Shown = 'palette' | 'keys' | undefined;
let shown: Shown;
const watchers = new Set<() => void>();

function show(next: Shown): void {
  shown = next;
  for (const watcher of watchers) watcher();
}

export const showPalette = (): void => show('palette');
export const showKeys = (): void => show('keys');

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.closest('input:not([type=checkbox]):not([type=range]), textarea, select') !== null);

/** Listens for the keys and shows what they open. */
export function Shortcuts() {
  const open = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => shown,
  );
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const isPalette = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key === 'k';
      const isHelp = event.key === '?' && !event.ctrlKey && !event.metaKey && !isField(event.target);
      if (!isPalette && !isHelp) return;
      if (shown === undefined && document.querySelector('[role=dialog], [role=alertdialog]')) return;
      event.preventDefault();
      if (isPalette) show(shown === 'palette' ? undefined : 'palette');
      else show('keys');
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const close = () => show(undefined);
  return (
    <Suspense>
      {open === 'palette' && <CommandPalette onClose={close} />}
      {open === 'keys' && <KeysHelp onClose={close} />}
    </Suspense>
  );
}
