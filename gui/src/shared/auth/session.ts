//! Who is looking: the one place that knows how a request proves it. Everything else asks for `authorised(headers)`.
//!
//! A session is a bearer secret that lives in this tab only (sessionStorage), and belongs to the node that gave it: a link to this page with
//! another `?node=` must not carry it there. How it is got is `login.ts`.
import { useSyncExternalStore } from 'react';
import { nodeAddress, rememberNode } from './node-address';

export type Session =
  | { readonly kind: 'none'; readonly why: SignedOutReason }
  | {
      readonly kind: 'bearer';
      readonly secret: string;
      readonly source: 'login' | 'token';
      readonly id?: string;
      readonly expiresAt?: number;
    };

/** Why nobody is signed in. `expired`: its time was over. `refused`: the node no longer takes it; somebody ended it. */
export type SignedOutReason = 'first' | 'expired' | 'refused' | 'left';

const KEY = 'flowork.session';
const LEFT_KEY = 'flowork.left';
const listeners = new Set<() => void>();

function restore(): Session {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    const isHere = kept && typeof kept === 'object' && 'node' in kept && kept.node === nodeAddress();
    if (isHere && 'secret' in kept && typeof kept.secret === 'string') {
      const source = 'source' in kept && kept.source === 'token' ? 'token' : 'login';
      const id = 'id' in kept && typeof kept.id === 'string' ? kept.id : undefined;
      const expiresAt = 'expiresAt' in kept && typeof kept.expiresAt === 'number' ? kept.expiresAt : undefined;
      return { kind: 'bearer', secret: kept.secret, source, id, expiresAt };
    }
  } catch {
    // Storage that does not read is as good as none.
  }
  // Who left stays out when the page is loaded again, although the browser's key would open another session.
  return { kind: 'none', why: sessionStorage.getItem(LEFT_KEY) === nodeAddress() ? 'left' : 'first' };
}

let session: Session | undefined;

export function currentSession(): Session {
  session ??= typeof sessionStorage === 'undefined' ? { kind: 'none', why: 'first' } : restore();
  return session;
}

export function setSession(next: Session): void {
  session = next;
  if (next.kind === 'bearer') {
    const { secret, source, id, expiresAt } = next;
    sessionStorage.setItem(KEY, JSON.stringify({ node: nodeAddress(), secret, source, id, expiresAt }));
    rememberNode();
  } else sessionStorage.removeItem(KEY);
  if (next.kind === 'none' && next.why === 'left') sessionStorage.setItem(LEFT_KEY, nodeAddress());
  else sessionStorage.removeItem(LEFT_KEY);
  for (const listener of listeners) listener();
}

/** The node answered 401: the session is over. What is on the screen stays there until somebody signs in again. */
export function sessionRefused(secret: string): void {
  const now = currentSession();
  if (now.kind !== 'bearer' || now.secret !== secret) return;
  const isOver = now.expiresAt !== undefined && now.expiresAt <= Date.now();
  setSession({ kind: 'none', why: isOver ? 'expired' : 'refused' });
}

/** Adds what proves the session to a request's headers, and gives back the secret that was used. */
export function authorise(headers: Headers): string | undefined {
  const now = currentSession();
  if (now.kind !== 'bearer') return undefined;
  headers.set('authorization', `Bearer ${now.secret}`);
  return now.secret;
}

/** Hears when somebody signs in, leaves or is refused. */
export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useSession = (): Session => useSyncExternalStore(onSession, currentSession);
