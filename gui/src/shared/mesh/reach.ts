//! From where a node can be reached, as it says itself, for people.
import { currentLocale, type PlainKey, type Translate } from '../i18n/messages';

export type Reachable =
  /** This machine, this network, nowhere; or far by the form of its addresses, which nobody tried. */
  | { readonly kind: 'machine' | 'network' | 'nowhere' | 'untried' }
  /** At an address that the internet knows. */
  | { readonly kind: 'anywhere' }
  | { readonly kind: 'through'; readonly names: readonly string[] };

const THROUGH = 'anywhere, through ';

const STARTS = [
  ['this machine only', 'machine'],
  ['this network', 'network'],
  ['nowhere', 'nowhere'],
  ['anywhere, unless', 'untried'],
  ['anywhere', 'anywhere'],
] as const;

/** What the node says of where it can be reached from; undefined for words that are new. */
export function readReach(said: string): Reachable | undefined {
  if (said.startsWith(THROUGH)) return { kind: 'through', names: said.slice(THROUGH.length).split(' and ') };
  const kind = STARTS.find(([start]) => said.startsWith(start))?.[1];
  return kind && { kind };
}

const WORDS = {
  machine: 'friends.reach.machine',
  network: 'friends.reach.network',
  nowhere: 'friends.reach.nowhere',
  untried: 'friends.reach.untried',
  anywhere: 'friends.reach.anywhere',
} as const satisfies Record<string, PlainKey>;

/** The words of the screen for what the node says; its own where they are new. */
export function reachableWords(t: Translate, said: string): string {
  const reach = readReach(said);
  if (!reach) return said;
  if (reach.kind !== 'through') return t(WORDS[reach.kind]);
  const names = new Intl.ListFormat(currentLocale(), { type: 'conjunction' }).format(reach.names);
  return t('friends.reach.through', { names });
}

/** Whether there are ways to be reached from farther away than now. */
export const isNear = (said: string): boolean => {
  const kind = readReach(said)?.kind;
  return kind === 'machine' || kind === 'network';
};
