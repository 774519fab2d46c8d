//! What the node says about addresses, for people: addresses themselves only stand under details.
import type { PlainKey } from '../i18n/messages';

const ADDRESS = /\/(?:ip4|ip6|dns|dns4|dns6|dnsaddr|p2p)\/\S+/g;

/** A reason without the addresses in it; undefined when nothing but addresses was tried in vain. */
export function plainWhy(why: string): string | undefined {
  if (/^nobody answers at/.test(why)) return undefined;
  const plain = why
    .replaceAll(ADDRESS, '')
    .replaceAll(/\s{2,}/g, ' ')
    .trim();
  return plain === '' ? undefined : plain;
}

const REACHES = {
  'this machine only': 'friends.reach.machine',
  'this network': 'friends.reach.network',
  anywhere: 'friends.reach.anywhere',
  nowhere: 'friends.reach.nowhere',
} as const satisfies Record<string, PlainKey>;

/** From where an invitation can be used, by what the node says of it; undefined for words that are new. */
export const reachKey = (said: string): PlainKey | undefined =>
  Object.entries(REACHES).find(([start]) => said.startsWith(start))?.[1];
