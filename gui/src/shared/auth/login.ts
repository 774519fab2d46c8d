//! How a session is got: a one-time link enrols this browser's key, and from then on a signature opens a session.
//!
//! The endpoints are described in gui/README.md, "Login"; this file is the only one that calls them.
import { findKey, type LoginKey, makeKey, takeKey } from './keys';
import { nodeAddress } from './node-address';
import { setSession } from './session';

/** What a browser signs to open a session; domain-separated, so that no other signature can stand for it. */
export const SESSION_DOMAIN = 'flowork login session v1';

type Challenge = { readonly nonce: string; readonly node: string };
type Opened = { readonly id: string; readonly secret: string; readonly expires_at: number };

export type LoginOutcome =
  | { readonly kind: 'signed-in' }
  /** This browser has no key for this node. */
  | { readonly kind: 'no-key' }
  /** The node has no such endpoint: it is older than this page. */
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'refused'; readonly detail: string; readonly hint?: string }
  | { readonly kind: 'unreachable' };

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** The exact bytes that are signed. */
export function sessionMessage(challenge: Challenge, publicKey: string): Uint8Array {
  return new TextEncoder().encode([SESSION_DOMAIN, challenge.node, publicKey, challenge.nonce].join('\n'));
}

class Refused extends Error {
  constructor(readonly outcome: LoginOutcome) {
    super(outcome.kind);
  }
}

async function post(path: string, body: unknown): Promise<unknown> {
  const answer = await fetch(`${nodeAddress()}/api/v1/login/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new Refused({ kind: 'unreachable' });
  });
  const said: unknown = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const problem = (said ?? {}) as { type?: string; detail?: string; hint?: string };
  if (problem.type?.endsWith(':no-route') || answer.status === 405) throw new Refused({ kind: 'unsupported' });
  if (answer.status >= 502) throw new Refused({ kind: 'unreachable' });
  throw new Refused({ kind: 'refused', detail: problem.detail ?? `${answer.status}`, hint: problem.hint });
}

async function open(key: LoginKey): Promise<void> {
  const publicKey = base64url(key.publicKey);
  const challenge = (await post('challenge', { public_key: publicKey })) as Challenge;
  const signature = base64url(await key.sign(sessionMessage(challenge, publicKey)));
  const opened = (await post('session', { public_key: publicKey, nonce: challenge.nonce, signature })) as Opened;
  setSession({ kind: 'bearer', secret: opened.secret, source: 'login', id: opened.id, expiresAt: opened.expires_at });
}

async function outcome(work: () => Promise<LoginOutcome>): Promise<LoginOutcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refused) return error.outcome;
    throw error;
  }
}

/** Opens a session with the key of this browser. */
export const signIn = (): Promise<LoginOutcome> =>
  outcome(async () => {
    const key = await findKey(nodeAddress());
    if (!key) return { kind: 'no-key' };
    await open(key);
    return { kind: 'signed-in' };
  });

/** Opens a session with a pasted private key. It stays in this browser only when `keep` says so. */
export const signInWith = (seed: Uint8Array, keep: boolean): Promise<LoginOutcome> =>
  outcome(async () => {
    const key = await takeKey(seed, nodeAddress(), false);
    await open(key);
    // Only a key that opens something is worth keeping.
    if (keep) await takeKey(seed, nodeAddress(), true);
    return { kind: 'signed-in' };
  });

/** Enrols this browser by the token of a one-time link, and opens a session. */
export const enrol = (token: string, label: string): Promise<LoginOutcome> =>
  outcome(async () => {
    const key = (await findKey(nodeAddress())) ?? (await makeKey(nodeAddress()));
    await post('enrol', { token, public_key: base64url(key.publicKey), label });
    await open(key);
    return { kind: 'signed-in' };
  });

/** A browser that waits until somebody who is signed in lets it in. */
export type AskedIn = { readonly id: string; readonly code: string; readonly expiresAt: number };

/** Asks that the key of this browser be let in. The code is shown on both sides, so that people let in the browser they mean. */
export async function askIn(label: string): Promise<AskedIn | Exclude<LoginOutcome, { kind: 'signed-in' }>> {
  let asked: AskedIn | undefined;
  const came = await outcome(async () => {
    const key = (await findKey(nodeAddress())) ?? (await makeKey(nodeAddress()));
    const said = await post('requests', { public_key: base64url(key.publicKey), label });
    const { id, code, expires_at } = said as { id: string; code: string; expires_at: number };
    asked = { id, code, expiresAt: expires_at };
    return { kind: 'signed-in' };
  });
  return came.kind === 'signed-in' && asked ? asked : (came as Exclude<LoginOutcome, { kind: 'signed-in' }>);
}

/** Where a request stands; `unknown` while the node does not answer. */
export async function askedStanding(id: string): Promise<'waits' | 'let_in' | 'refused' | 'over' | 'unknown'> {
  const answer = await fetch(`${nodeAddress()}/api/v1/login/requests/${encodeURIComponent(id)}`).catch(() => undefined);
  if (!answer?.ok) return 'unknown';
  const said = (await answer.json()) as { state: 'waits' | 'let_in' | 'refused' | 'over' };
  return said.state;
}

/** Takes the token of `#login=TOKEN` out of the address bar, so that it stays in no history. */
export function takeLoginToken(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('login');
  if (token === null) return undefined;
  history.replaceState(history.state, '', location.pathname + location.search);
  return token;
}
