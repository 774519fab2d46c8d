//! The browser of journeys: Debian's Chromium, or whatever `CHROMIUM` names.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { Watch } from './watch';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

function program(): string {
  const places = (process.env.PATH ?? '').split(delimiter);
  const found = process.env.CHROMIUM ?? NAMES.flatMap((name) => places.map((at) => join(at, name))).find(existsSync);
  if (!found) throw new Error('There is no browser: install one (apt install chromium), or name it in CHROMIUM.');
  return found;
}

/** A browser without a window. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: program(),
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

export const WIDE: BrowserContextOptions = { viewport: { width: 1280, height: 800 }, locale: 'en-GB' };
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  locale: 'en-GB',
};

/** Somebody's browser: a key of its own, and everything that goes wrong in its tabs written down. */
export class Person {
  private constructor(
    readonly page: Page,
    readonly watch: Watch,
  ) {}

  /** Opens a browser of its own; `clipboard` may be read and written as a person's may. */
  static async open(browser: Browser, options: BrowserContextOptions = WIDE): Promise<Person> {
    const context = await browser.newContext({ ...options, permissions: ['clipboard-read', 'clipboard-write'] });
    const watch = new Watch();
    watch.follow(context);
    return new Person(await context.newPage(), watch);
  }

  /** Opens the printed link and waits until the first page is there. */
  async enter(link: string): Promise<void> {
    await this.page.goto(link);
    await this.page.getByRole('navigation', { name: 'Main' }).waitFor();
  }

  /** Goes to a page by the bar at the left, and takes the mouse away from it. */
  async go(name: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click();
    await this.page.mouse.move(700, 5);
    await this.page.getByRole('heading', { name, level: 1 }).waitFor();
  }

  /** One more tab of the same browser. */
  async tab(): Promise<Person> {
    return new Person(await this.page.context().newPage(), this.watch);
  }
}

/** What stands there, as it is seen: with spaces between the parts. */
export const words = (of: Locator): Promise<string> =>
  // biome-ignore lint/performance/useDomNodeTextContent: what is laid out counts here.
  of.evaluate((element) => (element as HTMLElement).innerText.replace(/\s+/g, ' '));
