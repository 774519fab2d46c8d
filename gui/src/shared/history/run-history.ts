//! The history of one run in this browser: read page by page, then followed live, told at most once a frame.
import { type FeedState, follow } from '../api/feed';
import { ApiError } from '../api/problem';
import { EVENTS_PAGE, fetchEvents, openEvents } from '../api/requests/job-events';
import type { JobEvent } from '../api/types';
import { Timeline } from './timeline';

export type Progress = {
  /** Whether all that there was when the page came up has been read. */
  readonly isWhole: boolean;
  readonly feed: FeedState;
  readonly error: unknown;
  readonly lastSeq: number;
};

const nextFrame = (work: () => void): void => {
  // A page in the background gets no frames; its history must not wait for one.
  if (document.visibilityState === 'visible') requestAnimationFrame(work);
  else setTimeout(work, 50);
};

export class RunHistory {
  readonly timeline = new Timeline();
  private now: Progress = { isWhole: false, feed: { kind: 'connecting' }, error: undefined, lastSeq: 0 };
  private readonly listeners = new Set<() => void>();
  private isTelling = false;

  constructor(private readonly job: string) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly progress = (): Progress => this.now;

  /** Reads and follows until `signal` ends it. Goes on where it was when it is started again. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      this.become({ error: undefined });
      for (;;) {
        const events = await fetchEvents(this.job, this.timeline.lastSeq, signal);
        this.add(events);
        if (events.length < EVENTS_PAGE) break;
      }
      this.become({ isWhole: true });
      await follow({
        // The last event is asked for again: it comes at once and proves that the feed is there, on a quiet run too.
        open: (_, link) => openEvents(this.job, String(Math.max(0, this.timeline.lastSeq - 1)), link),
        signal,
        onState: (feed) => this.become({ feed }),
        onMessages: (messages) =>
          this.add(messages.flatMap((it): JobEvent[] => (it.event === 'event' ? [JSON.parse(it.data)] : []))),
      });
    } catch (error) {
      if (!signal.aborted) this.become({ error });
    }
  }

  private add(events: readonly JobEvent[]): void {
    if (this.timeline.append(events) > 0) this.become({ lastSeq: this.timeline.lastSeq });
  }

  private become(change: Partial<Progress>): void {
    this.now = { ...this.now, ...change };
    if (this.isTelling) return;
    this.isTelling = true;
    nextFrame(() => {
      this.isTelling = false;
      for (const listener of this.listeners) listener();
    });
  }
}

/** Whether the node knows no such run. */
export const isMissingRun = (error: unknown): boolean => error instanceof ApiError && error.status === 404;
