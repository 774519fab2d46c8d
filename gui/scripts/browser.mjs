// Looks at every page in a real browser, as a person would: light and dark, wide and as a phone; axe on each; nothing may
// be logged as an error. Pictures go to .screens/.
// FLOWORK_GUI=http://127.0.0.1:4173 FLOWORK_TOKEN=… node scripts/browser.mjs [PAGE …]
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const gui = process.env.FLOWORK_GUI ?? 'http://127.0.0.1:4173';
const token = process.env.FLOWORK_TOKEN;
const screens = new URL('../.screens/', import.meta.url).pathname;
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const jobs = await (
  await fetch(`${gui}/api/v1/jobs?limit=100`, { headers: { authorization: `Bearer ${token}` } })
).json();
const of = (name, state) => jobs.jobs.find((job) => job.name === name && (!state || job.state === state))?.id;

const pages = {
  login: { path: '/', out: true },
  home: { path: '/' },
  workflows: { path: '/workflows' },
  'workflows-none': { path: '/workflows?text=nothing-like-this' },
  palette: { path: '/workflows', keys: ['Control+k'] },
  keys: { path: '/runs', keys: ['?'] },
  runs: { path: '/runs' },
  'runs-none': { path: '/runs?text=nothing-like-this' },
  run: { path: `/runs/${of('six-languages')}` },
  'run-step': { path: `/runs/${of('tour')}?step=make&tab=out` },
  'run-failed': { path: `/runs/${of('broken')}?step=py&tab=logs&seq=6` },
  'run-compare': { path: `/runs/${of('tour')}?pin=5&seq=20` },
  'run-waiting': { path: `/runs/${of('ask', 'waiting')}` },
  'run-missing': { path: '/runs/01m8a45kj4001xhb5jp45wskee' },
  designer: { path: '/workflows/six-languages' },
  components: { path: '/components' },
  component: { path: '/components/http-request' },
  triggers: { path: '/triggers' },
  approvals: { path: '/approvals' },
  friends: { path: '/friends' },
  lending: { path: '/lending' },
  borrowing: { path: '/lending?tab=borrow' },
  receipts: { path: '/receipts' },
  decisions: { path: '/receipts?tab=decisions' },
  settings: { path: '/settings' },
  missing: { path: '/nowhere' },
};
const wanted = process.argv.slice(2);
const sizes = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

await mkdir(screens, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
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
let bad = 0;
for (const [size, viewport] of Object.entries(sizes)) {
  for (const theme of ['light', 'dark']) {
    const context = await browser.newContext({
      viewport,
      colorScheme: theme,
      hasTouch: size === 'phone',
      locale: process.env.FLOWORK_LANGUAGE ?? 'en-GB',
      reducedMotion: 'reduce',
    });
    for (const [name, { path, out, keys = [] }] of Object.entries(pages)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const page = await context.newPage();
      const said = [];
      page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
      page.on('pageerror', (error) => said.push(error.stack ?? error.message));
      if (!out)
        await page.addInitScript(
          (secret) =>
            sessionStorage.setItem(
              'flowork.session',
              JSON.stringify({ node: location.origin, secret, source: 'token' }),
            ),
          token,
        );
      await page.goto(gui + path);
      await page
        .waitForFunction(
          () => document.querySelector('h1, [role=alert]') && !document.querySelector('.animate-pulse'),
          undefined,
          { timeout: 15_000 },
        )
        .catch(() => said.push('never finished loading'));
      await page.waitForTimeout(name.startsWith('run') ? 900 : 300);
      for (const key of keys) {
        await page.keyboard.press(key);
        await page.waitForTimeout(500);
      }
      await page.screenshot({ path: `${screens}${name}-${size}-${theme}.png` });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      const expected = said.filter(
        (text) => !(name === 'run-missing' && text.includes('404')) && !(out && /40[45]/.test(text)),
      );
      for (const violation of violations) {
        console.log(
          `${name} ${size} ${theme}: ${violation.id}: ${violation.nodes
            .slice(0, 3)
            .map((node) => node.html.slice(0, 200))
            .join(' | ')} ${violation.nodes[0]?.any?.[0]?.message ?? ''}`,
        );
      }
      for (const text of expected) console.log(`${name} ${size} ${theme}: ${text.slice(0, 600)}`);
      if (wide) console.log(`${name} ${size} ${theme}: the page is wider than the screen`);
      bad += violations.length + expected.length + Number(wide);
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
console.log(bad === 0 ? 'all pages are well' : `${bad} problems`);
process.exit(bad === 0 ? 0 : 1);
