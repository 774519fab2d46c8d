//! Keeps what requests have read in step with what the node's feed tells.
import type { QueryClient } from '@tanstack/react-query';
import { followNode } from '@/shared/api/node-feed';
import type { JobFilter } from '@/shared/api/requests/jobs';
import type { Job } from '@/shared/api/types';
import { withJob } from '@/shared/jobs/live-list';

/** How often numbers that one line of a run cannot tell are read again at most. */
const PAUSE_MS = 1_500;

/** Calls `work` now and then at most every [`PAUSE_MS`], however often it is asked. */
function throttled(work: () => void, signal: AbortSignal): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener('abort', () => clearTimeout(timer));
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      work();
    }, PAUSE_MS);
  };
}

type ListData = Parameters<typeof withJob>[0];

function putInLists(client: QueryClient, jobs: readonly Job[]): void {
  for (const query of client.getQueryCache().findAll({ queryKey: ['jobs'] })) {
    const [, filter] = query.queryKey as ['jobs', JobFilter];
    client.setQueryData<ListData>(query.queryKey, (data) => {
      // Lists of another form (a chart's, a card's) are told by being read again.
      if (!data || !('pages' in data)) return data;
      return jobs.reduce((pages, job) => withJob(pages, job, filter), data);
    });
  }
}

/** Follows the node until `signal` ends it. */
export function keepLive(client: QueryClient, signal: AbortSignal): void {
  const again = (...keys: string[]) => {
    for (const key of keys) void client.invalidateQueries({ queryKey: [key] });
  };
  const countAgain = throttled(() => again('node', 'approvals', 'recent'), signal);
  followNode(
    {
      jobs: (jobs) => {
        putInLists(client, jobs);
        countAgain();
      },
      node: () => again('node', 'activations', 'tokens', 'secrets', 'sessions', 'login-keys', 'settings'),
      documents: () => again('presets'),
      returned: () => void client.invalidateQueries(),
    },
    signal,
  );
}
