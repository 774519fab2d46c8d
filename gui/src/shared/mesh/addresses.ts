//! What the node says about addresses, for people: addresses themselves only stand under details.

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
