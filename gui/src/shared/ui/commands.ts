//! What can be done on the screen right now. Pages offer their commands while they are shown; the palette (Mod+K) lists
//! them and the help of keys (?) tells their keys.

import type { LucideIcon } from 'lucide-react';
import { useEffect, useSyncExternalStore } from 'react';

export type Command = {
  /** Its name for programs, unlike all others: `designer.run`. */
  readonly id: string;
  /** What it does, in words of the screen. */
  readonly title: string;
  /** Words by which it is found as well. */
  readonly words?: string;
  /** Under which heading it stands: the page's name, mostly. */
  readonly group: string;
  /**
   * Its keys as [`keyText`] takes them: `Mod+Enter`, `Shift+S`; several with ` / ` between. They are only told: who offers a
   * command listens.
   */
  readonly keys?: string;
  readonly icon?: LucideIcon;
  /** Not in the palette, only in the help of keys: what makes no sense without a pointer or a focus. */
  readonly isOnlyKeys?: boolean;
  readonly isDisabled?: boolean;
  readonly run: () => void;
};

const offers = new Map<symbol, readonly Command[]>();
const watchers = new Set<() => void>();
let all: readonly Command[] = [];

function tell(): void {
  all = [...offers.values()].flat();
  for (const watcher of watchers) watcher();
}

/** Offers commands until the answer is called. */
export function offerCommands(commands: readonly Command[]): () => void {
  const key = Symbol('commands');
  offers.set(key, commands);
  tell();
  return () => {
    offers.delete(key);
    tell();
  };
}

/** Offers commands while a component is shown. Give the same list (`useMemo`) as long as nothing changes. */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => offerCommands(commands), [commands]);
}

/** Everything that is offered now, in the order in which it was offered. */
export const offeredCommands = (): readonly Command[] => all;

export const useOfferedCommands = (): readonly Command[] =>
  useSyncExternalStore((watcher) => {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }, offeredCommands);

const isApple = (): boolean => typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

const SIGNS: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Enter: '⏎',
  Escape: 'Esc',
  Delete: 'Del',
  Backspace: '⌫',
  ' ': 'Space',
};

/** Keys as this machine's keyboard names them: `Mod+Shift+Z` is `⌘⇧Z` or `Ctrl+Shift+Z`. */
export function keyText(keys: string, apple = isApple()): string {
  // A plus that is the key itself stands last.
  const parts = keys.split(/\+(?!$)/).map((part) => {
    if (part === 'Mod') return apple ? '⌘' : 'Ctrl';
    if (apple && part === 'Shift') return '⇧';
    if (apple && part === 'Alt') return '⌥';
    return SIGNS[part] ?? part;
  });
  return parts.join(apple ? '' : '+');
}
