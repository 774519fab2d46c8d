import { currentSession, setSession } from '../../auth/session';
import { endSession, fetchSessions } from './sessions';

/** Ends this tab's session, on the node first. Fails, still signed in, when the node cannot be told. */
export async function signOut(): Promise<void> {
  const now = currentSession();
  if (now.kind === 'bearer' && now.source === 'login') {
    const id = now.id ?? (await fetchSessions()).find((session) => session.is_current)?.id;
    if (id !== undefined) await endSession(id);
  }
  signOutHere();
}

/** Forgets the session in this tab and leaves it open on the node, until it ends by itself. */
export const signOutHere = (): void => setSession({ kind: 'none', why: 'left' });
