//! Who is looking: the one place that knows how a request proves it. Everything else asks for `authorised(headers)`.
//!
//! A session is a bearer secret that lives in this tab only (sessionStorage). How it is got is `login.ts`.
import { useSyncExternalStore } from 'react';

export type Session =
  | { readonly kind: 'none'; readonly why: SignedOutReason }
  | { readonly kind: 'bearer'; readonly secret: string; readonly source: 'login' | 'token' };

/** Why nobody is signed in. `refused`: the node no longer takes the session. */
export type SignedOutReason = 'first' | 'refused' | 'left';

const KEY = 'flowork.session';
const listeners = new Set<() => void>();

function restore(): Session {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    if (kept && typeof kept === 'object' && 'secret' in kept && typeof kept.secret === 'string') {
      const source = 'source' in kept && kept.source === 'token' ? 'token' : 'login';
      return { kind: 'bearer', secret: kept.secret, source };
    }
  } catch {
    // Storage that does not read is as good as none.
  }
  return { kind: 'none', why: 'first' };
}

let session: Session | undefined;

export function currentSession(): Session {
  session ??= typeof sessionStorage === 'undefined' ? { kind: 'none', why: 'first' } : restore();
  return session;
}

export function setSession(next: Session): void {
  session = next;
  if (next.kind === 'bearer') sessionStorage.setItem(KEY, JSON.stringify({ secret: next.secret, source: next.source }));
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

/** The node answered 401: the session is over. What is on the screen stays there until somebody signs in again. */
export function sessionRefused(secret: string): void {
  const now = currentSession();
  if (now.kind === 'bearer' && now.secret === secret) setSession({ kind: 'none', why: 'refused' });
}

/** Adds what proves the session to a request's headers, and gives back the secret that was used. */
export function authorise(headers: Headers): string | undefined {
  const now = currentSession();
  if (now.kind !== 'bearer') return undefined;
  headers.set('authorization', `Bearer ${now.secret}`);
  return now.secret;
}

export const useSession = (): Session =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentSession);
