//! The documents of this tab: one repo with one way to the node, which all editors share. Drafts are kept in this browser, so that a
//! closed tab, a node that is away or a session that is over loses nothing.
import { type PeerId, Repo } from '@automerge/automerge-repo/slim';
import { ApiError } from '../api/problem';
import { syncTicket } from '../api/requests/sync-ticket';
import { nodeAddress } from '../auth/node-address';
import { currentSession, onSession } from '../auth/session';
import { NodeAdapter, NotSignedIn, type Surroundings } from './adapter';
import { browserDrafts, type Drafts } from './drafts';
import { browserUnsent, type Unsent } from './unsent';
import { loadWhole } from './whole-load';

export type NodeDocuments = {
  readonly repo: Repo;
  readonly way: NodeAdapter;
  readonly drafts?: Drafts;
  readonly unsent?: Unsent;
};

let shared: NodeDocuments | undefined;

/** The one repo of this tab. Automerge must be loaded. */
export function nodeDocuments(): NodeDocuments {
  shared ??= open();
  return shared;
}

function open(): NodeDocuments {
  const way = new NodeAdapter(browser);
  // Drafts of different nodes are kept apart: a page may be pointed at another one.
  const drafts = browserDrafts(nodeAddress());
  const peerId = `tab-${uuid()}` as PeerId;
  const repo = new Repo({ network: [way], storage: drafts, peerId });
  loadWhole(repo);
  return { repo, way, drafts, unsent: browserUnsent() };
}

/** How often it is looked whether the machine slept, and what counts as that; a hidden tab ticks once a minute. */
const TICK_MS = 10_000;
const SLEPT_MS = 90_000;

/** `crypto.randomUUID` is missing on plain HTTP. */
const uuid = (): string => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('');

const browser: Surroundings = {
  async address(signal) {
    if (currentSession().kind === 'none') throw new NotSignedIn();
    const ticket = await syncTicket(signal).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 401) throw new NotSignedIn();
      throw error;
    });
    const address = new URL('/sync', nodeAddress());
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    address.searchParams.set('ticket', ticket);
    return address.href;
  },
  socket: (address) => new WebSocket(address),
  onHope(listener) {
    const seen = (): void => {
      if (document.visibilityState === 'visible') listener();
    };
    addEventListener('online', listener);
    document.addEventListener('visibilitychange', seen);
    return () => {
      removeEventListener('online', listener);
      document.removeEventListener('visibilitychange', seen);
    };
  },
  onDoubt(listener) {
    let last = Date.now();
    const tick = setInterval(() => {
      if (Date.now() - last > SLEPT_MS) listener();
      last = Date.now();
    }, TICK_MS);
    addEventListener('offline', listener);
    return () => {
      clearInterval(tick);
      removeEventListener('offline', listener);
    };
  },
  onSession,
  random: Math.random,
};
