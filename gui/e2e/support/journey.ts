//! One journey: a node, a browser, and facts that build on each other.
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, onTestFailed, expect as that } from 'vitest';
import { openBrowser, Person } from './browser';
import { TestNode } from './node';

/** Where pictures of what failed go. */
const SEEN = join(tmpdir(), 'flowork-journeys');
/** How long anything may take until it is seen. */
export const SEE_MS = Number(process.env.JOURNEY_WAIT_MS ?? 60_000);

/** What the facts of a journey share. */
export class Journey {
  #node: TestNode | undefined;
  #browser: Browser | undefined;
  readonly #people: Person[] = [];

  get node(): TestNode {
    if (!this.#node) throw new Error('The node has not started');
    return this.#node;
  }

  get browser(): Browser {
    if (!this.#browser) throw new Error('The browser has not started');
    return this.#browser;
  }

  /** Somebody with a browser of their own, watched to the end of the journey. */
  async person(options?: BrowserContextOptions): Promise<Person> {
    const person = await Person.open(this.browser, options);
    this.#people.push(person);
    person.page.setDefaultTimeout(SEE_MS);
    return person;
  }

  async begin(mesh: 'off' | 'on'): Promise<void> {
    [this.#node, this.#browser] = await Promise.all([TestNode.start(mesh), openBrowser()]);
  }

  async end(): Promise<void> {
    await this.#browser?.close();
    await this.#node?.stop();
  }

  /** What went wrong in anybody's browser. */
  surprises(): string[] {
    return this.#people.flatMap((person) => person.watch.surprises());
  }

  /** Every open page as a picture and in words. */
  async picture(name: string): Promise<void> {
    const pages: Page[] = this.#people.flatMap((person) => person.page.context().pages());
    await mkdir(SEEN, { recursive: true });
    for (const [at, page] of pages.entries()) {
      const path = join(SEEN, `${name.replace(/\W+/g, '-')}-${at}`);
      await page.screenshot({ path: `${path}.png`, timeout: 10_000 }).catch(() => undefined);
      const words = await page.locator('body').ariaSnapshot({ timeout: 10_000 }).catch(String);
      await writeFile(`${path}.txt`, `${page.url()}\n${words}\n${this.surprises().join('\n')}\n`);
    }
  }
}

/** Facts in their order, on one node; after one that does not hold the others are left out. Nothing may go wrong in a browser meanwhile. */
export function journey(name: string, facts: (journey: Journey) => void, mesh: 'off' | 'on' = 'off'): void {
  describe(name, () => {
    const one = new Journey();
    let isBroken = false;
    beforeAll(() => one.begin(mesh));
    afterAll(() => one.end());
    beforeEach((context) => {
      context.skip(isBroken, 'an earlier fact does not hold');
      onTestFailed(() => {
        isBroken = true;
      });
      context.onTestFinished(async ({ task }) => {
        if (task.result?.state === 'fail') await one.picture(`${name} ${task.name}`);
      });
      return () => that(one.surprises(), 'errors in the browser').toEqual([]);
    });
    facts(one);
  });
}
