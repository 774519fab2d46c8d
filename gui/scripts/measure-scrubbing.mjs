// Moves the slider of a long run back and forth, a new place each frame, and says how long frames took.
// FLOWORK_GUI=http://127.0.0.1:4173 FLOWORK_TOKEN=… node scripts/measure-scrubbing.mjs RUN [FRAMES]
import { chromium } from 'playwright-core';

const gui = process.env.FLOWORK_GUI ?? 'http://127.0.0.1:4173';
const [run, frames = '300'] = process.argv.slice(2);
if (!run) throw new Error('say which run: its id');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
await page.addInitScript(
  (secret) =>
    sessionStorage.setItem('flowork.session', JSON.stringify({ node: location.origin, secret, source: 'token' })),
  process.env.FLOWORK_TOKEN,
);
await page.goto(`${gui}/runs/${run}`);
await page.waitForFunction(() => !document.querySelector('input[type=range]')?.disabled);
// Until the whole history is there.
for (let before = '', now = ' '; before !== now; ) {
  before = now;
  await page.waitForTimeout(1_500);
  now = await page.getAttribute('input[type=range]', 'max');
}

/** One frame after the other while `move` says what happens in each. */
const measure = (moves) =>
  page.evaluate(
    async ({ moves, frames }) => {
      const slider = document.querySelector('input[type=range]');
      const last = Number(slider.max);
      const write = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
      const took = [];
      let before = performance.now();
      for (let frame = 0; frame < frames; frame += 1) {
        if (moves) {
          write.call(slider, String(Math.round((Math.sin(frame / 25) * 0.5 + 0.5) * last)));
          slider.dispatchEvent(new Event('input', { bubbles: true }));
        }
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        took.push(now - before);
        before = now;
      }
      took.sort((one, other) => one - other);
      const at = (share) => Number(took[Math.floor((took.length - 1) * share)].toFixed(1));
      return {
        events: last,
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        over_34_ms: took.filter((it) => it > 34).length,
      };
    },
    { moves, frames: Number(frames) },
  );
console.log('at rest  ', JSON.stringify(await measure(false)));
console.log('scrubbing', JSON.stringify(await measure(true)));
await browser.close();
