//! Finding a component by what somebody types: its name, its title, its docs, its category. The palette and the quick-add
//! list rank alike.
import type { Manifest } from '../api/types';

type Place = { readonly text: (manifest: Manifest) => string; readonly weight: number };

/** Where a word may be found, and how much that says. */
const PLACES: readonly Place[] = [
  { text: (it) => it.title, weight: 100 },
  { text: (it) => it.name, weight: 90 },
  { text: (it) => it.category, weight: 40 },
  { text: (it) => it.summary, weight: 30 },
  { text: (it) => it.docs, weight: 10 },
];

const plain = (text: string): string =>
  text.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').replace(/[-_]/g, ' ');

/** How well one word is found in one text, 0 to 1: at the start of all, of a word, inside, or as letters in order. */
function match(text: string, word: string, isShort: boolean): number {
  const at = text.indexOf(word);
  if (at === 0) return text.length === word.length ? 1 : 0.9;
  if (at > 0) return /[\s\-_/(]/.test(text[at - 1] ?? '') ? 0.75 : 0.5;
  // Letters in order mean something in a name only; in prose everything is found so.
  if (!isShort || word.length < 2) return 0;
  let place = -1;
  for (const letter of word) {
    place = text.indexOf(letter, place + 1);
    if (place < 0) return 0;
  }
  return text[0] === word[0] ? 0.3 : 0;
}

function score(manifest: Manifest, words: readonly string[]): number {
  let total = 0;
  for (const word of words) {
    let best = 0;
    PLACES.forEach((place, at) => {
      best = Math.max(best, place.weight * match(plain(place.text(manifest)), word, at < 2));
    });
    if (best === 0) return 0;
    total += best;
  }
  return total / words.length;
}

/** In the order in which workflows are mostly built: data comes in, is worked on, and what that cannot do is written as code. */
const CATEGORIES = ['Triggers', 'Network', 'Files and formats', 'Items', 'AI', 'Flow', 'Code'];

const categoryPlace = (category: string): number => {
  const place = CATEGORIES.indexOf(category);
  return place < 0 ? CATEGORIES.length : place;
};

/** The components that have every word of `query`, best first; all by category and title when nothing is typed. */
export function ranked(manifests: Iterable<Manifest>, query: string): Manifest[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  const byTitle = (one: Manifest, other: Manifest) => one.title.localeCompare(other.title);
  if (words.length === 0) {
    return [...manifests].sort(
      (one, other) =>
        Number(other.kind === 'trigger') - Number(one.kind === 'trigger') ||
        categoryPlace(one.category) - categoryPlace(other.category) ||
        one.category.localeCompare(other.category) ||
        byTitle(one, other),
    );
  }
  return [...manifests]
    .map((manifest) => ({ manifest, score: score(manifest, words) }))
    .filter((it) => it.score > 0)
    .sort((one, other) => other.score - one.score || byTitle(one.manifest, other.manifest))
    .map((it) => it.manifest);
}
