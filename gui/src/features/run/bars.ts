//! The runs of steps as stretches of time. No React.
import type { Run } from '@/shared/history/view';
import type { Span } from './time-scale';

/** One try on the line of time. */
export type Bar = Span & { readonly tone: string };
/** One run of a step and its tries. */
export type Row = { readonly name: string; readonly run: Run; readonly bars: readonly Bar[] };

const TONES: Partial<Record<Run['status'], string>> = {
  succeeded: 'bg-ok',
  failed: 'bg-fail',
  running: 'bg-run',
  waiting: 'bg-wait',
  retrying: 'bg-wait',
};

/**
 * The tries of a run as stretches of time. Starts of pure steps are not recorded: the first try began when the run was
 * first heard of (a wait, a log line), or as long before its end as it took.
 */
export function barsOf(run: Run, heardAt: number, now: number): Bar[] {
  return run.attempts.map((attempt) => {
    // What was stopped went on until the whole run ended.
    const to = attempt.ended_at ?? now;
    const took = to - (attempt.took_us ?? 0) / 1_000;
    const from = attempt.started_at ?? (attempt.number === 1 ? Math.min(heardAt, took) : took);
    return { from: Math.min(from, to), to, tone: attempt.error ? 'bg-fail' : (TONES[run.status] ?? 'bg-skip') };
  });
}

/** Rows of runs that are over: they are the same at every later event. */
const settled = new WeakMap<Run, Row>();

/** The row of a run; `heardAt` is when it was first heard of, `now` until when what is open goes. */
export function rowOf(name: string, run: Run, heardAt: number, now: number): Row {
  const known = settled.get(run);
  if (known) return known;
  const row = { name, run, bars: barsOf(run, heardAt, now) };
  if (run.attempts.every((attempt) => attempt.ended_at !== undefined && attempt.ended_at !== null))
    settled.set(run, row);
  return row;
}

/** How far apart a run's own measure and the stamps of one try may be: both ends are whole milliseconds. */
const STAMPS_US = 2_000;

/** All the time of a run: its work, and its waits, which its own measure leaves out. */
export function lengthUs({ run, bars }: Row): number {
  const byStamps = 1_000 * bars.reduce((sum, bar) => sum + bar.to - bar.from, 0);
  if (run.tookUs !== undefined && byStamps - run.tookUs < STAMPS_US * bars.length) return run.tookUs;
  return Math.max(run.tookUs ?? 0, byStamps);
}
