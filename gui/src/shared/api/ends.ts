//! Whose end is told aloud. A run that this page started may be over before anybody looked at it: its end is told all the
//! same, once. The end of a run that was over long before, and is only looked at, is no news.
import { hasEnded, type JobState } from './types';

/** Runs that were started here and whose end was not told yet; a page that starts very many forgets the oldest. */
const started = new Set<string>();
const STARTED_MAX = 1_000;

/** Notes that this page has started a run. */
export function noteStarted(job: string): void {
  started.add(job);
  if (started.size > STARTED_MAX) for (const oldest of started) return void started.delete(oldest);
}

/** Watches one run after the other and says when the end of one is news. */
export class Ends {
  private going: string | undefined;

  /** Whether this state is an end that is to be told now. */
  isNews(job: string, state: JobState): boolean {
    if (!hasEnded(state)) {
      this.going = job;
      return false;
    }
    const wasStarted = started.delete(job);
    const isNews = wasStarted || this.going === job;
    this.going = undefined;
    return isNews;
  }
}
