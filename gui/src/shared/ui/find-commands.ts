//! Finding a command by what somebody types: all words must be there, and what begins with them comes first.

export type Findable = { readonly title: string; readonly words?: string; readonly group: string };

const plain = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** How well one typed word fits a text; 0 when it does not. */
function fitOf(text: string, word: string): number {
  const at = text.indexOf(word);
  if (at === 0) return 4;
  if (at > 0) return /[^\p{L}\p{N}]/u.test(text[at - 1] ?? '') ? 3 : 2;
  // The letters in their order, such as `nwf` for “new workflow”.
  let from = 0;
  for (const letter of word) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return 0;
  }
  return word.length >= 2 ? 0.5 : 0;
}

/** The commands that fit, best first; those that fit alike stay in their order. Nothing typed finds everything. */
export function findCommands<T extends Findable>(all: readonly T[], typed: string, most: number): T[] {
  const words = plain(typed).split(/\s+/).filter(Boolean);
  if (words.length === 0) return all.slice(0, most);
  const found = all.flatMap((one, place) => {
    const [title, rest] = [plain(one.title), plain(`${one.group} ${one.words ?? ''}`)];
    let score = 0;
    for (const word of words) {
      // Words beside the title count less, and never letter by letter.
      const beside = fitOf(rest, word);
      const best = Math.max(fitOf(title, word), beside >= 2 ? beside / 2 : 0);
      if (best === 0) return [];
      score += best;
    }
    return [{ one, place, score }];
  });
  found.sort((one, other) => other.score - one.score || one.place - other.place);
  return found.slice(0, most).map(({ one }) => one);
}
