//! Parts of the page that are loaded when they are first shown. A node that is away for a moment is waited for: the rest of the page
//! stays as it is.
import { type ComponentType, lazy } from 'react';

const AGAIN_MS = 2_000;

/** Loads a part, again and again as long as nobody answers at all; what the node has no more is an error. */
export async function patiently<T>(load: () => Promise<T>, isAnswered: () => Promise<boolean> = answers): Promise<T> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      if (await isAnswered()) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

const answers = (): Promise<boolean> =>
  fetch('/', { method: 'HEAD', cache: 'no-store' }).then(
    () => true,
    () => false,
  );

/** `lazy`, patiently. */
// biome-ignore lint/suspicious/noExplicitAny: as React's own type of it.
export const lazily = <T extends ComponentType<any>>(load: () => Promise<{ default: T }>) =>
  lazy(() => patiently(load));

/** Whether a part could not be loaded though the node answers: it has newer ones, and the page must be loaded again. */
export const isOutdated = (error: unknown): boolean =>
  error instanceof TypeError && /dynamically imported module|module script/i.test(error.message);
