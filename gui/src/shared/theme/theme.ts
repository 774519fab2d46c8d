//! Light, dark or as the system says. The choice is this browser's own and is kept in localStorage.
import { useSyncExternalStore } from 'react';

export type ThemeChoice = 'light' | 'dark' | 'system';
export const THEME_CHOICES: readonly ThemeChoice[] = ['system', 'light', 'dark'];

const KEY = 'flowork.theme';
const listeners = new Set<() => void>();
const systemIsDark = () => matchMedia('(prefers-color-scheme: dark)');

function stored(): ThemeChoice {
  const text = localStorage.getItem(KEY);
  return text === 'light' || text === 'dark' ? text : 'system';
}

function apply(): void {
  const choice = stored();
  const dark = choice === 'dark' || (choice === 'system' && systemIsDark().matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  for (const listener of listeners) listener();
}

/** Puts the theme on the page and follows the system from then on. Call once, before the first render. */
export function startTheme(): void {
  apply();
  systemIsDark().addEventListener('change', apply);
  addEventListener('storage', (event) => event.key === KEY && apply());
}

export function chooseTheme(choice: ThemeChoice): void {
  if (choice === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, choice);
  apply();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** What was chosen. */
export const useThemeChoice = (): ThemeChoice => useSyncExternalStore(subscribe, stored);

/** What is shown. */
export const useTheme = (): 'light' | 'dark' =>
  useSyncExternalStore(subscribe, () => (document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light'));

/** The value of a colour role now, for canvases that CSS does not reach. */
export const colour = (role: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${role}`).trim();
