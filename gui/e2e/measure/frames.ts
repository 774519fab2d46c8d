//! The time between frames while something goes on in a page.
import type { Page } from 'playwright-core';

/** What a frame may take until it counts as late: one refresh at 60 Hz, two refreshes. A millisecond of jitter is no lateness. */
const REFRESH_MS = 1_000 / 60 + 1;

/** The value that a part of the list does not exceed. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** The times between frames, in milliseconds, while `work` goes on. */
export async function framesOf(page: Page, work: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const seen = window as unknown as { frames: number[]; frame: number };
    seen.frames = [];
    let last: number | undefined;
    const next = (now: number) => {
      if (last !== undefined) seen.frames.push(now - last);
      last = now;
      seen.frame = requestAnimationFrame(next);
    };
    seen.frame = requestAnimationFrame(next);
  });
  await work();
  return page.evaluate(() => {
    const seen = window as unknown as { frames: number[]; frame: number };
    cancelAnimationFrame(seen.frame);
    return seen.frames;
  });
}

/** Frames in words: how long the middle one and the slow ones took, and how many came late. */
export function frameWords(frames: readonly number[]): string {
  const late = frames.filter((ms) => ms > REFRESH_MS).length;
  const later = frames.filter((ms) => ms > 2 * REFRESH_MS).length;
  const [p50, p95] = [percentile(frames, 0.5), percentile(frames, 0.95)];
  const most = Math.max(...frames);
  return `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, longest ${most.toFixed(0)} ms; ${late} of ${frames.length} over 16.7 ms, ${later} over 33 ms`;
}
