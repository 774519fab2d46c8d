import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Person } from './support/browser';
import { Canvas } from './support/designer';
import { journey } from './support/journey';
import { ended, grid, keep, row, start } from './support/presets';
import { RunPage } from './support/run-page';

/** Somebody elsewhere who would be told. */
class Elsewhere {
  /** What was asked for there: nothing may be. */
  readonly asked: string[] = [];
  readonly #server = createServer((request, response) => {
    this.asked.push(request.url ?? '');
    response.end();
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }
}

const elsewhere = new Elsewhere();
const THERE = await elsewhere.listen();

/** Sets a mark wherever it is run, and asks for something elsewhere wherever it is loaded. */
const HURT = `top.hurt=(top.hurt||0)+1;parent.hurt=1;window.hurt=1;fetch('${THERE}/fetched')`;
const HTML = `<h1>Hello</h1><img src=x onerror="${HURT}"><img src="${THERE}/html.png"><script>${HURT}</script>
<iframe srcdoc="<script>${HURT}</script>"></iframe><a href="javascript:${HURT}">go</a><form action="${THERE}/form"><button>send</button></form>
<meta http-equiv="refresh" content="0;url=${THERE}/away"><link rel="stylesheet" href="${THERE}/style.css">`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" onload="${HURT}"><script>${HURT}</script><image href="${THERE}/svg.png" width="9" height="9"/><foreignObject width="9" height="9"><body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="${HURT}"/></body></foreignObject><rect width="64" height="64" fill="teal"/></svg>`;
const MARKDOWN = `# A title\n\n[press me](javascript:${encodeURIComponent(HURT)}) and ![picture](${THERE}/markdown.png)\n\n<script>${HURT}</script><img src=x onerror="${HURT}">\n\n[data](data:text/html,<script>${HURT}</script>)`;
const NAME = `<img src=x onerror="${HURT}">`;

journey('HTML and SVG in data', (at) => {
  let ana: Person;

  afterAll(() => elsewhere.close());

  const isUnhurt = async () => {
    for (const frame of ana.page.frames())
      expect(await frame.evaluate('typeof window.hurt').catch(() => 'undefined'), frame.url()).toBe('undefined');
    expect(elsewhere.asked, 'asked for elsewhere').toEqual([]);
  };

  test('names, notes and logs of a workflow are shown as the text that they are', async () => {
    const api = await at.node.api();
    const preset = row('hostile', NAME, [
      { component: 'set', name: NAME, config: { fields: { html: HTML, svg: SVG, markdown: MARKDOWN } } },
      { component: 'python', name: 'Logs', config: { code: `log(${JSON.stringify(HTML)})\nreturn items` } },
      { component: 'stop-with-error', name: 'Fails', config: { message: HTML } },
    ]);
    const id = await keep(api, { ...preset, docs: MARKDOWN });
    ana = await at.person();
    // The policy stops what the sandbox would let load.
    ana.watch.expect(/Content Security Policy|Blocked (script execution|form submission)|The document is sandboxed/);
    await ana.enter(at.node.link);
    await ana.page.goto(`${at.node.url}/workflows/${id}`);
    await ana.page.getByRole('heading', { level: 1, name: NAME }).waitFor();
    const canvas = new Canvas(ana.page);
    await canvas.card('Logs').click();
    await ana.page.keyboard.press('Shift+S');
    await ana.page.getByRole('textbox', { name: 'Text of the note, in Markdown' }).fill(MARKDOWN);
    await ana.page.keyboard.press('Escape');
    await canvas.board.getByRole('heading', { name: 'A title' }).waitFor();
    await ana.page.getByRole('button', { name: 'About this workflow' }).click();
    await ana.page.getByRole('heading', { name: 'A title' }).nth(1).waitFor();
    await isUnhurt();
    const job = await start(api, id);
    await ended(api, job);
    await ana.page.goto(`${at.node.url}/runs/${job}`);
    await ana.page.getByRole('button', { name: /^Logs/ }).first().waitFor();
    await ana.page.getByText('<h1>Hello</h1>', { exact: false }).first().waitFor();
    await isUnhurt();
  });

  test('drawn as HTML, Markdown and a picture it runs nothing and asks for nothing', async () => {
    const { page } = ana;
    await page.getByRole('region', { name: 'Steps' }).getByRole('button', { name: /^<img/ }).click();
    await page
      .getByRole('button', { name: 'View', exact: true })
      .or(page.getByRole('radio', { name: 'View' }))
      .first()
      .click();
    const view = page.getByRole('region', { name: 'The item, drawn' });
    for (const field of ['html', 'markdown', 'svg']) {
      await view.getByRole('combobox', { name: 'Field' }).selectOption({ label: field });
      for (const kind of ['HTML', 'Markdown', 'SVG', 'Text']) {
        await view.getByRole('button', { name: kind, exact: true }).click();
        if (kind === 'HTML') {
          const frame = page.frameLocator('iframe[title="HTML"]');
          await frame.locator('body').waitFor();
          if (field === 'html') {
            await frame.getByRole('heading', { name: 'Hello' }).waitFor();
            await frame.getByRole('link', { name: 'go' }).click();
            await frame.getByRole('button', { name: 'send' }).click();
          }
        }
        if (kind === 'Markdown' && field === 'markdown') {
          await view.getByRole('heading', { name: 'A title' }).waitFor();
          expect(await view.getByRole('link', { name: 'press me' }).count(), 'javascript: is no link').toBe(0);
          expect(await view.getByRole('link', { name: 'data' }).count(), 'data: is no link').toBe(0);
        }
        if (kind === 'SVG' && field === 'svg') {
          const picture = view.getByRole('img', { name: 'picture from the data' });
          await expect.poll(() => picture.evaluate((it) => (it as HTMLImageElement).naturalWidth)).toBe(64);
        }
        await isUnhurt();
      }
    }
  });
});

journey('a great deal of everything', (at) => {
  let ana: Person;

  /** How long the page lets somebody wait for the answer to a click, in milliseconds. */
  const answers = async (click: () => Promise<void>): Promise<number> => {
    const from = performance.now();
    await click();
    return performance.now() - from;
  };

  test('a workflow of 5 000 steps opens, pans and stays usable', async () => {
    const id = await keep(await at.node.api(), grid('huge', 5_000));
    ana = await at.person();
    const { page } = ana;
    await ana.enter(at.node.link);
    await page.goto(`${at.node.url}/workflows/${id}`);
    const canvas = new Canvas(page);
    await canvas.isSaved();
    await canvas.card('Step 0').waitFor();
    await page.mouse.move(600, 400);
    for (let turn = 0; turn < 20; turn += 1) await page.mouse.wheel(0, 400);
    await canvas.card('Step 0').waitFor({ state: 'detached' });
    await page.keyboard.press('/');
    await page.getByRole('dialog', { name: 'Find a step or note' }).getByRole('combobox').fill('Step 4321');
    await page
      .getByRole('option', { name: /^Step 4321/ })
      .first()
      .click();
    await canvas.card('Step 4321').waitFor();
    const took = await answers(async () => {
      await canvas.card('Step 4321').click();
      await page.getByRole('region', { name: 'Step 4321' }).waitFor();
    });
    expect(took, 'milliseconds until the panel of a step is there').toBeLessThan(1_000);
    await canvas.rename('Step 4321', 'Renamed');
    await canvas.isSaved();
  });

  test('50 MB of items are shown in part, and a click is answered within a second', async () => {
    const api = await at.node.api();
    const { page } = ana;
    const items = Array.from({ length: 50 }, (_, n) => ({ title: `Book ${n}`, text: 'words '.repeat(170_000) }));
    await writeFile(join(at.node.data, 'files/large.json'), JSON.stringify(items));
    const id = await keep(
      api,
      row('large', 'Large', [
        { component: 'read-file', name: 'Items', config: { path: 'large.json', as: 'json' } },
        { component: 'limit', name: 'One', config: { count: 1 } },
        { component: 'read-file', name: 'Whole', config: { path: 'large.json', as: 'file' } },
      ]),
    );
    const job = await start(api, id);
    expect(await ended(api, job)).toBe('succeeded');
    await page.goto(`${at.node.url}/runs/${job}`);
    await page
      .getByRole('region', { name: 'Steps' })
      .getByRole('button', { name: /^Items/ })
      .click();
    await page.getByText('Book 0').first().waitFor();
    for (const form of ['JSON', 'View', 'Table']) {
      const took = await answers(async () => {
        await page
          .getByRole('button', { name: form, exact: true })
          .or(page.getByRole('radio', { name: form }))
          .first()
          .click();
      });
      expect(took, `milliseconds until ${form} is there`).toBeLessThan(1_000);
    }
    const shown = await page.evaluate(() => document.body.textContent?.length ?? 0);
    expect(shown, 'letters on the page').toBeLessThan(2_000_000);
    await page.goto(`${at.node.url}/runs/${job}?step=s3&tab=out`);
    await page.getByText('large.json').first().waitFor();
  });

  test('a run of 10 000 events scrubs', async () => {
    const api = await at.node.api();
    const { page } = ana;
    const preset = row('rounds', 'Rounds', [
      { component: 'loop', name: 'Loop', config: { batch: 1 }, port: 'loop' },
      { component: 'set', name: 'Body', config: { fields: { twice: '{{ $json.n * 2 }}' } } },
    ]);
    const back = { from: { step: 's2', port: 'out' }, to: { step: 's1', port: 'back' } };
    const id = await keep(api, { ...preset, wires: { ...preset.wires, back } });
    const job = await start(api, id, { input: Array.from({ length: 5_000 }, (_, n) => ({ n })) });
    expect(await ended(api, job)).toBe('succeeded');
    await page.goto(`${at.node.url}/runs/${job}`);
    const run = new RunPage(page);
    await expect.poll(() => run.last(), { timeout: 60_000 }).toBeGreaterThan(10_000);
    await run.scrubTo(0.5);
    const there = await run.seq();
    expect(Math.abs(there / (await run.last()) - 0.5)).toBeLessThan(0.02);
    await run
      .step('Loop')
      .filter({ hasText: /2,?\d\d\d\/5,?000/ })
      .waitFor();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => run.seq()).toBe(there + 1);
    await run.scrubTo(0);
    await expect.poll(() => run.step('Loop').textContent()).not.toContain('5,000');
  });
});
