//! A live feed that resumes where it was and never calls old news live.
//!
//! Not for screens: they use `use-node-feed.ts` and a run's history. Time, chance and the network are arguments, so that
//! every way it can break is a test.
import { type Message, SseParser } from './sse';

/** How a feed is. Only `live` may be shown as live; `stale` says since when nothing is known. */
export type FeedState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live'; readonly since: number }
  | { readonly kind: 'stale'; readonly since: number; readonly attempt: number; readonly retryAt: number }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'ended' };

export type FeedOptions = {
  /** Opens the stream after the message with this id (empty for the first time). */
  readonly open: (lastId: string, signal: AbortSignal) => Promise<Response>;
  /** The messages of one piece of the stream, in order. */
  readonly onMessages: (messages: readonly Message[]) => void;
  readonly onState: (state: FeedState) => void;
  readonly signal: AbortSignal;
  readonly lastId?: string;
  readonly now?: () => number;
  readonly random?: () => number;
  /** Ends early when `wake` is aborted: the network or the window came back. */
  readonly pause?: (ms: number, wake: AbortSignal) => Promise<void>;
};

/** The node shows that it is alive every 15 s; two of those missed and the connection counts as dead. */
export const SILENCE_MS_MAX = 35_000;
const BACKOFF_MS_FIRST = 400;
const BACKOFF_MS_MAX = 10_000;

/** How long to wait before try `attempt` (from 1): doubles, and is spread so that many browsers do not come at once. */
export function backoff(attempt: number, random: number): number {
  const most = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** (attempt - 1));
  return most * (0.5 + random / 2);
}

/** Sleeps, but wakes when the network or the window comes back. */
function pauseInBrowser(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      document.removeEventListener('visibilitychange', shown);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const shown = () => document.visibilityState === 'visible' && done();
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    document.addEventListener('visibilitychange', shown);
    signal.addEventListener('abort', done);
  });
}

/** Hears that the browser has lost its network: nothing is live then until the node has answered again. */
function onOffline(listener: () => void): () => void {
  if (typeof window === 'undefined') return () => {};
  addEventListener('offline', listener);
  return () => removeEventListener('offline', listener);
}

/** Follows until the node says that there is nothing more, refuses, or `signal` ends it. */
export async function follow(options: FeedOptions): Promise<void> {
  const { open, onMessages, onState, signal } = options;
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  const pause = options.pause ?? pauseInBrowser;
  let lastId = options.lastId ?? '';
  let attempt = 0;
  let lastHeard = now();
  onState({ kind: 'connecting' });
  while (!signal.aborted) {
    const link = new AbortController();
    const stop = () => link.abort();
    signal.addEventListener('abort', stop);
    const deaf = onOffline(stop);
    try {
      const answer = await open(lastId, link.signal);
      if (answer.status === 204) return onState({ kind: 'ended' });
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
        return onState({ kind: 'refused', status: answer.status });
      }
      if (!answer.ok || !answer.body) throw new Error(`the feed answered ${answer.status}`);
      onState({ kind: 'live', since: now() });
      lastHeard = now();
      const parser = new SseParser();
      const decoder = new TextDecoder();
      const reader = answer.body.getReader();
      for (;;) {
        const piece = await withSilence(reader.read(), link);
        if (piece.done) break;
        lastHeard = now();
        attempt = 0;
        const messages = parser.push(decoder.decode(piece.value, { stream: true }));
        lastId = messages.findLast((message) => message.id !== '')?.id ?? lastId;
        if (messages.length > 0) onMessages(messages);
      }
    } catch {
      // Whatever broke it, the answer is the same: say that it is stale, and come back.
    } finally {
      link.abort();
      deaf();
      signal.removeEventListener('abort', stop);
    }
    if (signal.aborted) return;
    attempt += 1;
    const ms = backoff(attempt, random());
    onState({ kind: 'stale', since: lastHeard, attempt, retryAt: now() + ms });
    await pause(ms, signal);
  }
}

async function withSilence<T>(read: Promise<T>, link: AbortController): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('silent'));
      link.abort();
    }, SILENCE_MS_MAX);
  });
  try {
    return await Promise.race([read, silent]);
  } finally {
    clearTimeout(timer);
  }
}
