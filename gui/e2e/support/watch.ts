//! What goes wrong in a browser while somebody uses it: nothing may.
import type { BrowserContext } from 'playwright-core';

/** Writes down errors of pages, of the console and of the policy, in every tab of a context. */
export class Watch {
  readonly #said: string[] = [];
  readonly #expected: RegExp[] = [];

  follow(context: BrowserContext): void {
    context.on('console', (message) => {
      if (message.type() === 'error' || message.text().includes('Content Security Policy'))
        this.#said.push(`${message.text()} (${message.location().url})`);
    });
    context.on('weberror', (error) => this.#said.push(error.error().stack ?? error.error().message));
  }

  /** From here on what fits is no surprise: the journey causes it. */
  expect(what: RegExp): void {
    this.#expected.push(what);
  }

  /** What went wrong so far, and was not expected. */
  surprises(): string[] {
    return this.#said.filter((text) => !this.#expected.some((it) => it.test(text)));
  }
}
