// How smoothly the designer's canvas moves: makes workflows of several sizes on a node, pans them by wheel and by a dragged step, and tells
// the time between frames. A bare screen of this machine gives the floor.
// FLOWORK_GUI=http://127.0.0.1:4173 FLOWORK_TOKEN=… node scripts/pan-speed.mjs [STEPS …]
import { chromium } from 'playwright-core';

const gui = process.env.FLOWORK_GUI ?? 'http://127.0.0.1:4173';
const token = process.env.FLOWORK_TOKEN;
const sizes = process.argv.slice(2).map(Number);
const ROW = 25;

async function api(method, path, body) {
  const answer = await fetch(gui + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

/** Rows of steps, each fed by the one before it. */
function preset(count) {
  const steps = {};
  const wires = {};
  for (let at = 0; at < count; at += 1) {
    const position = { x: (at % ROW) * 320, y: Math.floor(at / ROW) * 112 };
    steps[`s${at}`] = { component: at % 7 === 0 ? 'if' : 'set', name: `Step ${at}`, position, config: {} };
    if (at % ROW > 0) {
      const port = (at - 1) % 7 === 0 ? 'true' : 'out';
      wires[`w${at}`] = { from: { step: `s${at - 1}`, port }, to: { step: `s${at}`, port: 'in' } };
    }
  }
  return {
    flowork: 'preset/1',
    name: `pan-${count}-${Date.now().toString(36)}`,
    title: `${count} steps`,
    steps,
    wires,
  };
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/** The times between frames while `work` goes on. */
async function frames(page, work) {
  await page.evaluate(() => {
    window.frameTimes = [];
    let last = performance.now();
    const frame = (now) => {
      window.frameTimes.push(now - last);
      last = now;
      window.frameId = requestAnimationFrame(frame);
    };
    window.frameId = requestAnimationFrame(frame);
  });
  await work();
  const times = await page.evaluate(() => {
    cancelAnimationFrame(window.frameId);
    return window.frameTimes.slice(1);
  });
  const sorted = times.toSorted((one, other) => one - other);
  return `p50 ${at(sorted, 0.5).toFixed(1)} p95 ${at(sorted, 0.95).toFixed(1)} max ${sorted.at(-1).toFixed(0)} ms over ${times.length} frames`;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});
for (const count of sizes.length > 0 ? sizes : [0, 500, 5_000]) {
  const draft = await api('POST', '/api/v1/presets', preset(count));
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on('pageerror', (error) => console.log(error.message));
  await page.addInitScript(
    (secret) =>
      sessionStorage.setItem('flowork.session', JSON.stringify({ node: location.origin, secret, source: 'token' })),
    token,
  );
  await page.goto(`${gui}/workflows/${draft.id}`);
  const start = Date.now();
  await page.waitForSelector(count === 0 ? '[data-canvas]' : '.react-flow__node, [data-canvas] canvas', {
    timeout: 60_000,
  });
  console.log(`${count} steps: there after ${((Date.now() - start) / 1000).toFixed(1)} s`);
  await page.waitForTimeout(3_000);
  await page.mouse.move(600, 400);
  const wheel = async (dx, dy, times) => {
    for (let turn = 0; turn < times; turn += 1) {
      await page.mouse.wheel(dx, dy);
      await page.waitForTimeout(8);
    }
  };
  console.log('  pan     ', await frames(page, () => wheel(24, 12, 150)));
  if (count > 0) {
    const card = await page.locator('.react-flow__node-card').nth(8).boundingBox();
    if (card) {
      const [x, y] = [card.x + card.width / 2, card.y + card.height / 2];
      const drag = async () => {
        await page.mouse.move(x, y);
        await page.mouse.down();
        for (let turn = 0; turn < 100; turn += 1) {
          await page.mouse.move(x + turn, y + turn / 2);
          await page.waitForTimeout(8);
        }
        await page.mouse.up();
      };
      console.log('  drag    ', await frames(page, drag));
    }
    await page.keyboard.press('1');
    await page.waitForTimeout(1_000);
    console.log('  pan far ', await frames(page, () => wheel(12, 6, 150)));
  }
  await page.close();
  await api('DELETE', `/api/v1/presets/${draft.id}`);
}
await browser.close();
