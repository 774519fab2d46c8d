//! What a friend asks to use, and how it is answered.
import type { AccessRequest, Engine } from '@/shared/api/types';
import { currentLocale, type Translate } from '@/shared/i18n/messages';
import { usedAs, usesOf } from '@/shared/mesh/sentence';

const listed = (words: readonly string[]): string =>
  new Intl.ListFormat(currentLocale(), { type: 'conjunction' }).format(words);

/** What a friend asks for, as a sentence. */
export function requestWords(t: Translate, { from: who, engine, can }: AccessRequest): string {
  const what = listed(usesOf(t, can));
  if (engine != null) return can.length > 0 ? t('asks.for', { who, engine, what }) : t('asks.engine', { who, engine });
  return can.length > 0 ? t('asks.what', { who, what }) : t('asks.any', { who });
}

export type Answer = {
  /** Which engine the form begins with. */
  readonly engine: string | undefined;
  /** What that one also offers and nobody asked for. */
  readonly left: readonly string[];
  /** What was asked for and nothing here offers. */
  readonly lacks: readonly string[];
};

/** How a request is answered: by the engine that was named, else by the one that offers most of what is asked for. */
export function answerTo({ engine, can }: AccessRequest, engines: readonly Engine[]): Answer {
  const offered = (it: Engine) => can.filter((capability) => capability in it.offers);
  const best = [...engines].sort((one, other) => offered(other).length - offered(one).length)[0];
  const named = engines.find((it) => it.name === engine);
  // One of that name which has nothing of it is not meant.
  const meant = named && (can.length === 0 || offered(named).length > 0) ? named : best;
  const given = meant ? offered(meant) : [];
  // Who asks for nothing that is lent gets the whole form, to choose from.
  const left = meant && given.length > 0 ? Object.keys(meant.offers).filter((it) => !given.includes(it)) : [];
  const all = new Set(engines.flatMap((it) => Object.keys(it.offers)));
  return { engine: meant?.name, left, lacks: can.filter((it) => !all.has(it)) };
}

/** What was asked for and is not lent; empty when all of it is. */
export const lackingWords = (t: Translate, lacks: readonly string[]): string =>
  lacks.length === 0 ? '' : t('asks.lacks', { what: listed(lacks.map((it) => usedAs(t, it))) });
