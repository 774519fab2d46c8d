//! The login key of this browser: ed25519, made here, never sent. WebCrypto keeps it so that no script can read it;
//! where WebCrypto has no ed25519, @noble/ed25519 signs with a seed that is kept beside it, and the key says so.

import { pkcs8Of } from './private-key';

export type LoginKey = {
  /** Raw public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Whether no script can read the private part. */
  readonly isSealed: boolean;
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
};

type Kept =
  | { readonly kind: 'sealed'; readonly privateKey: CryptoKey; readonly publicKey: Uint8Array }
  | { readonly kind: 'seed'; readonly seed: Uint8Array; readonly publicKey: Uint8Array };

const DATABASE = 'flowork-login';
const STORE = 'keys';

/** Keys need a secure context: HTTPS, or loopback. */
export const canHoldKeys = (): boolean => isSecureContext && 'subtle' in crypto && typeof indexedDB !== 'undefined';

const request = <T>(of: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    of.onsuccess = () => resolve(of.result);
    of.onerror = () => reject(of.error);
  });

async function store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const open = indexedDB.open(DATABASE, 1);
  open.onupgradeneeded = () => open.result.createObjectStore(STORE);
  const database = await request(open);
  return database.transaction(STORE, mode).objectStore(STORE);
}

// A copy whose buffer is exactly its bytes, which is what WebCrypto's types ask for.
const bytes = (from: ArrayLike<number>): Uint8Array<ArrayBuffer> => Uint8Array.from(from);

async function make(): Promise<Kept> {
  try {
    const pair = await crypto.subtle.generateKey({ name: 'Ed25519' }, false, ['sign', 'verify']);
    if (!('privateKey' in pair)) throw new TypeError('no pair');
    const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    return { kind: 'sealed', privateKey: pair.privateKey, publicKey };
  } catch {
    const { utils, getPublicKeyAsync } = await import('@noble/ed25519');
    const seed = utils.randomSecretKey();
    return { kind: 'seed', seed, publicKey: await getPublicKeyAsync(seed) };
  }
}

/** A pasted key; WebCrypto holds it so that no script can read it again, where it can. */
async function take(seed: Uint8Array): Promise<Kept> {
  const { getPublicKeyAsync } = await import('@noble/ed25519');
  const publicKey = await getPublicKeyAsync(seed);
  try {
    const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8Of(seed), { name: 'Ed25519' }, false, ['sign']);
    return { kind: 'sealed', privateKey, publicKey };
  } catch {
    return { kind: 'seed', seed, publicKey };
  }
}

function usable(kept: Kept): LoginKey {
  if (kept.kind === 'sealed') {
    const sign = async (message: Uint8Array) =>
      new Uint8Array(await crypto.subtle.sign({ name: 'Ed25519' }, kept.privateKey, bytes(message)));
    return { publicKey: kept.publicKey, isSealed: true, sign };
  }
  const sign = async (message: Uint8Array) => (await import('@noble/ed25519')).signAsync(message, kept.seed);
  return { publicKey: kept.publicKey, isSealed: false, sign };
}

/** The key of this browser for the node at `address`, if it has one. */
export async function findKey(address: string): Promise<LoginKey | undefined> {
  if (!canHoldKeys()) return undefined;
  const kept: Kept | undefined = await request((await store('readonly')).get(address));
  return kept && usable(kept);
}

/** Makes a key for the node at `address` and keeps it. */
export async function makeKey(address: string): Promise<LoginKey> {
  const kept = await make();
  await request((await store('readwrite')).put(kept, address));
  return usable(kept);
}

/** A key from its 32 bytes, for as long as this page holds it; with `keep` it becomes the key of this browser for `address`. */
export async function takeKey(seed: Uint8Array, address: string, keep: boolean): Promise<LoginKey> {
  const kept = await take(seed);
  if (keep) await request((await store('readwrite')).put(kept, address));
  return usable(kept);
}

/** Forgets the key for the node at `address`. */
export async function forgetKey(address: string): Promise<void> {
  if (canHoldKeys()) await request((await store('readwrite')).delete(address));
}
