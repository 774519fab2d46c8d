//! Words on the screen, in the language that the person chose. English is the catalogue; the others must have its keys.
import { useSyncExternalStore } from 'react';
import { en } from './en';

export type MessageKey = keyof typeof en;
export type Language = 'en' | 'id';
export const LANGUAGES: Readonly<Record<Language, string>> = { en: 'English', id: 'Bahasa Indonesia' };

/** The names in braces of a message: `{count} {count|run|runs}` has `count`. */
type Names<Text extends string> = Text extends `${string}{${infer Inside}}${infer Rest}`
  ? (Inside extends `${infer Name}|${string}` ? Name : Inside) | Names<Rest>
  : never;
export type Values<Key extends MessageKey> = { [Name in Names<(typeof en)[Key]>]: string | number };
/** Messages without values: what tables of keys may hold. */
export type PlainKey = {
  [Key in MessageKey]: [Names<(typeof en)[Key]>] extends [never] ? Key : never;
}[MessageKey];
type Rest<Key extends MessageKey> = [Names<(typeof en)[Key]>] extends [never] ? [] : [Values<Key>];
export type Translate = <Key extends MessageKey>(key: Key, ...rest: Rest<Key>) => string;
export type Catalogue = Readonly<Record<MessageKey, string>>;

const KEY = 'flowork.language';
const listeners = new Set<() => void>();
let language: Language = 'en';
let locale: string = language;
let catalogue: Catalogue = en;
/** What components' manifests say in this language; English is their own. */
let manifestTexts: Readonly<Record<string, string>> = {};
let translate: Translate = translator(en, 'en');

/** Fills a message: `{name}` gives the value, `{name|one|many}` chooses by the number. */
export function fill(text: string, values: Readonly<Record<string, string | number>>, locale: string): string {
  return text.replace(/\{([a-z_]+)(?:\|([^|}]*)\|([^}]*))?\}/gi, (whole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one !== undefined && many !== undefined) return Number(value) === 1 ? one : many;
    return typeof value === 'number' ? value.toLocaleString(locale) : value;
  });
}

function translator(words: Catalogue, locale: string): Translate {
  return (key, ...rest) => fill(words[key], (rest[0] ?? {}) as Record<string, string | number>, locale);
}

function preferred(): Language {
  const kept = localStorage.getItem(KEY);
  const wanted = kept ?? navigator.language.slice(0, 2);
  return wanted === 'id' || wanted === 'in' ? 'id' : 'en';
}

/** The region's way of writing numbers and dates in a language, as the browser is set: `en-GB` for English. */
export const localeOf = (of: Language, preferred: readonly string[]): string =>
  preferred.find((it) => it === of || it.startsWith(`${of}-`)) ?? of;

/** Loads the words. Call once, before the first render. */
export async function startLanguage(): Promise<void> {
  await chooseLanguage(preferred(), false);
}

/** Changes the language; `keep` remembers it in this browser. */
export async function chooseLanguage(next: Language, keep = true): Promise<void> {
  if (next === 'id') {
    const [words, texts] = await Promise.all([import('./id'), import('./words/manifests.id')]);
    catalogue = words.id;
    manifestTexts = texts.manifests;
  } else {
    catalogue = en;
    manifestTexts = {};
  }
  language = next;
  locale = localeOf(next, navigator.languages);
  translate = translator(catalogue, locale);
  document.documentElement.lang = next;
  if (keep) localStorage.setItem(KEY, next);
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The words, for a component: follows a change of language. */
export const useMessages = (): Translate => useSyncExternalStore(subscribe, () => translate);
export const useLanguage = (): Language => useSyncExternalStore(subscribe, () => language);
/** What the texts of components' manifests are in the language of the screen, by their English words. */
export const useManifestTexts = (): Readonly<Record<string, string>> =>
  useSyncExternalStore(subscribe, () => manifestTexts);
/** The words now, outside components. */
export const messages = (): Translate => translate;
export const currentLanguage = (): Language => language;
/** How numbers and dates are written now. */
export const currentLocale = (): string => locale;
