//! Ids and names for what is new.
import type { DrawnPreset } from '../types';

const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
const SUFFIX_LETTERS = 4;

function randomLetters(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SUFFIX_LETTERS));
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join('');
}

const slug = (text: string): string =>
  text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40) || 'step';

const idsOf = (preset: DrawnPreset): Set<string> =>
  new Set(
    [preset.steps, preset.triggers, preset.notes, preset.groups].flatMap((entries) => Object.keys(entries ?? {})),
  );

/**
 * An id for something new. It ends in letters by chance: two people who add the same component at the same time would otherwise make
 * one entry, of which one is lost. What people read is the name.
 */
export function freeId(preset: DrawnPreset, base: string): string {
  const taken = idsOf(preset);
  for (;;) {
    const id = `${slug(base)}-${randomLetters()}`;
    if (!taken.has(id)) return id;
  }
}

/** A name that no card has: `Set`, `Set 2`, `Set 3`. */
export function freeName(preset: DrawnPreset, base: string): string {
  const taken = new Set<string>();
  for (const cards of [preset.steps, preset.triggers])
    for (const [id, card] of Object.entries(cards ?? {})) taken.add(card.name || id);
  if (!taken.has(base)) return base;
  const stem = base.replace(/ \d+$/, '');
  for (let count = 2; ; count += 1) if (!taken.has(`${stem} ${count}`)) return `${stem} ${count}`;
}
