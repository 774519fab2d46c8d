//! What changes on the whole node, live. One feed for the page; whoever wants to know listens here.
import { useSyncExternalStore } from 'react';
import { type FeedState, follow } from './feed';
import { openNodeEvents } from './requests/node-events';
import type { Job } from './types';

type Listeners = {
  /** Lines of runs that are new or changed, oldest change first. */
  readonly jobs: (jobs: readonly Job[]) => void;
  /** Tokens, secrets, activations or settings changed. */
  readonly node: () => void;
  readonly documents: () => void;
  /** The feed is live again after it was not: whatever was read before may be old. */
  readonly returned: () => void;
};

let state: FeedState = { kind: 'connecting' };
const watchers = new Set<() => void>();
let wake: AbortController | undefined;

function become(next: FeedState): void {
  state = next;
  for (const watcher of watchers) watcher();
}

/** Follows the node until `signal` ends it. */
export function followNode(listeners: Listeners, signal: AbortSignal): void {
  let wasLive = false;
  void follow({
    open: (_, link) => openNodeEvents(link),
    signal,
    pause: (ms, ended) => pauseUntil(ms, ended),
    onState: (next) => {
      become(next);
      if (next.kind !== 'live') return;
      if (wasLive) listeners.returned();
      wasLive = true;
    },
    onMessages: (messages) => {
      const jobs = messages.flatMap((message): Job[] => (message.event === 'job' ? [JSON.parse(message.data)] : []));
      if (jobs.length > 0) listeners.jobs(jobs);
      if (messages.some((message) => message.event === 'node')) listeners.node();
      if (messages.some((message) => message.event === 'documents')) listeners.documents();
    },
  });
}

function pauseUntil(ms: number, signal: AbortSignal): Promise<void> {
  wake = new AbortController();
  const woken = wake.signal;
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    for (const of of [signal, woken]) of.addEventListener('abort', done, { once: true });
  });
}

/** Tries to come back now instead of later. */
export const reconnectNow = (): void => wake?.abort();

export const useNodeFeed = (): FeedState =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => state,
  );
