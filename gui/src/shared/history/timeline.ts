//! The time machine: the full state at any event, at once, however long the history is.
//!
//! Keeps a view every [`CHECKPOINT_EVERY`] events, so a seek folds fewer than that many.
import type { JobEvent } from '../api/types';
import { apply, emptyView, keep, runOf, type Told, told, type View } from './view';

export const CHECKPOINT_EVERY = 256;

/** What lists of events show, without the payload. */
export type Header = {
  readonly seq: number;
  readonly at: number;
  readonly kind: Told['kind'];
  readonly run?: string;
};

export class Timeline {
  private readonly events: JobEvent[] = [];
  private readonly heads: Header[] = [];
  private readonly checkpoints: View[] = [emptyView()];
  private readonly head: View = emptyView();
  private last: View | undefined;

  /** The number of the last event; 0 before the first. */
  get lastSeq(): number {
    return this.head.lastSeq;
  }

  /** The headers of all events, oldest first. Event n is at n − 1. */
  get headers(): readonly Header[] {
    return this.heads;
  }

  /** Adds what a page or a feed gave. Events that are here already are left out; a gap is refused. */
  append(events: readonly JobEvent[]): number {
    let added = 0;
    for (const event of events) {
      if (event.seq <= this.lastSeq) continue;
      if (event.seq !== this.lastSeq + 1) throw new RangeError(`event ${event.seq} came after event ${this.lastSeq}`);
      this.events.push(event);
      const what = told(event.what);
      this.heads.push({ seq: event.seq, at: event.at, kind: what.kind, run: runOf(what) });
      apply(this.head, event);
      if (event.seq % CHECKPOINT_EVERY === 0) this.checkpoints.push(keep(this.head));
      added += 1;
    }
    return added;
  }

  /** The state after the last event. */
  newest(): View {
    return keep(this.head);
  }

  /** Event `seq` whole. */
  event(seq: number): JobEvent | undefined {
    return this.events[seq - 1];
  }

  /** The state after event `seq`: a view of its own that never changes. The same one for the same `seq` in a row. */
  at(seq: number): View {
    const wanted = Math.max(0, Math.min(Math.floor(seq), this.lastSeq));
    if (this.last?.lastSeq === wanted) return this.last;
    if (wanted === this.lastSeq) {
      this.last = keep(this.head);
      return this.last;
    }
    // Going on from the last view is shorter than from the checkpoint when it lies between.
    const checkpoint = this.checkpoints[Math.floor(wanted / CHECKPOINT_EVERY)] ?? emptyView();
    const from =
      this.last && this.last.lastSeq <= wanted && this.last.lastSeq > checkpoint.lastSeq ? this.last : checkpoint;
    const view = keep(from);
    for (let at = view.lastSeq; at < wanted; at += 1) {
      const event = this.events[at];
      if (event) apply(view, event);
    }
    this.last = view;
    return view;
  }

  /** The last event at or before the moment `at`; 0 when all came later. */
  seqAt(at: number): number {
    let [low, high] = [0, this.heads.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.heads[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The nearest event after (`+1`) or before (`-1`) `seq` that `matches`, or none. */
  find(seq: number, step: 1 | -1, matches: (header: Header) => boolean): number | undefined {
    for (let at = seq - 1 + step; at >= 0 && at < this.heads.length; at += step) {
      const header = this.heads[at];
      if (header && matches(header)) return header.seq;
    }
    return undefined;
  }
}
