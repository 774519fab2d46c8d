//! How long somebody waits for the first screen, and what comes over the wire until it is there.
import { type Person, words } from '../support/browser';
import type { TestNode } from '../support/node';
import { percentile } from './frames';

const TIMES = 5;

/** First loads with nothing cached: the middle time, and the JavaScript that it took. */
export async function firstLoad(
  node: TestNode,
  person: Person,
): Promise<{ readonly ms: number; readonly kib: number }> {
  const times: number[] = [];
  const sizes: number[] = [];
  for (let turn = 0; turn < TIMES; turn += 1) {
    const { page } = await person.tab();
    const wire = await page.context().newCDPSession(page);
    await wire.send('Network.enable');
    await wire.send('Network.clearBrowserCache');
    const scripts = new Set<string>();
    let bytes = 0;
    wire.on('Network.responseReceived', ({ requestId, type }) => type === 'Script' && scripts.add(requestId));
    wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      if (scripts.has(requestId)) bytes += encodedDataLength;
    });
    await page.addInitScript(() => {
      const look = () => {
        const isThere = document.querySelector('h1')?.textContent === 'Welcome' && document.querySelector('main li');
        if (isThere) (window as unknown as { there: number }).there = performance.now();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto(node.url);
    await page.waitForFunction(() => 'there' in window);
    times.push(await page.evaluate('window.there'));
    sizes.push(bytes / 1024);
    if (!(await words(page.locator('main'))).includes('Welcome')) throw new Error('The first screen is another one');
    await page.close();
  }
  return { ms: percentile(times, 0.5), kib: percentile(sizes, 0.5) };
}
