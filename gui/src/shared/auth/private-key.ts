//! A private key that somebody pastes: 32 bytes of ed25519 as base64url, base64 or hex, or PKCS#8 in PEM as
//! `openssl genpkey -algorithm ed25519` writes it.

const SEED_BYTES = 32;

/** What stands before the seed in the PKCS#8 form of an ed25519 key (RFC 8410, section 7). */
const PKCS8_HEAD = [
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
] as const;

function decode(base64: string): Uint8Array | undefined {
  try {
    const plain = base64.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
    return Uint8Array.from(atob(plain), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** The seed of a pasted key; none when it is not one. */
export function seedOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  const pem = /-----BEGIN PRIVATE KEY-----([\s\S]*?)-----END PRIVATE KEY-----/.exec(text)?.[1];
  if (pem !== undefined) {
    const der = decode(pem.replace(/\s+/g, ''));
    const isEd25519 = der && der.length >= PKCS8_HEAD.length + SEED_BYTES && hasOid(der);
    if (!isEd25519) return undefined;
    const at = indexOfSeed(der);
    return at === undefined ? undefined : Uint8Array.from(der.slice(at, at + SEED_BYTES));
  }
  const word = text.trim();
  if (/^[0-9a-f]{64}$/i.test(word)) {
    return Uint8Array.from({ length: SEED_BYTES }, (_, at) => Number.parseInt(word.slice(at * 2, at * 2 + 2), 16));
  }
  if (!/^[A-Za-z0-9_+/-]{43}=?$/.test(word)) return undefined;
  const bytes = decode(word);
  return bytes?.length === SEED_BYTES ? Uint8Array.from(bytes) : undefined;
}

const OID = PKCS8_HEAD.slice(7, 12);

const matchesAt = (bytes: Uint8Array, at: number, part: readonly number[]): boolean =>
  part.every((byte, offset) => bytes[at + offset] === byte);

function hasOid(der: Uint8Array): boolean {
  for (let at = 0; at < der.length; at += 1) if (matchesAt(der, at, OID)) return true;
  return false;
}

/** After the two octet strings, one in the other: `04 22 04 20`. */
function indexOfSeed(der: Uint8Array): number | undefined {
  for (let at = 0; at + 4 + SEED_BYTES <= der.length; at += 1) {
    if (matchesAt(der, at, [0x04, 0x22, 0x04, 0x20])) return at + 4;
  }
  return undefined;
}

/** The PKCS#8 form, which WebCrypto takes. */
export const pkcs8Of = (seed: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from([...PKCS8_HEAD, ...seed]);
