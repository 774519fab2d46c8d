//! How fast the page is, measured in a real browser before a real node: one table in Markdown. `npm run speed`.
import { cpus, loadavg } from 'node:os';
import { eventToScreen } from './measure/event-to-screen';
import { firstLoad } from './measure/first-load';
import { framesOf, frameWords, percentile } from './measure/frames';
import { openBrowser, Person } from './support/browser';
import { Canvas } from './support/designer';
import { TestNode } from './support/node';
import { ended, grid, keep, row, start } from './support/presets';
import { RunPage } from './support/run-page';

const RUNS = 50;
const ROUNDS = 5_000;
const EVENT_MS = 8;

const said: [string, string][] = [];
const tell = (what: string, figure: string) => {
  said.push([what, figure]);
  process.stderr.write(`${what}: ${figure}\n`);
};

async function pan({ page }: Person): Promise<void> {
  await page.mouse.move(600, 400);
  for (let turn = 0; turn < 200; turn += 1) {
    await page.mouse.wheel(24, 12);
    await page.waitForTimeout(EVENT_MS);
  }
}

const node = await TestNode.start();
const browser = await openBrowser();
try {
  const api = await node.api();
  const person = await Person.open(browser);
  const { page } = person;
  await person.enter(node.link);

  const load = await firstLoad(node, person);
  tell(
    'first load, cold cache: navigation → the first screen with its lists',
    `${load.ms.toFixed(0)} ms (middle of 5)`,
  );
  tell('JavaScript until then, over the wire', `${load.kib.toFixed(0)} KiB gzip`);

  tell('the same page standing still', frameWords(await framesOf(page, () => page.waitForTimeout(2_000))));

  for (const count of [500, 5_000]) {
    const id = await keep(api, grid(`pan-${count}`, count));
    await page.goto(`${node.url}/workflows/${id}`);
    const canvas = new Canvas(page);
    await canvas.isSaved();
    await canvas.card('Step 0').waitFor();
    await framesOf(page, () => page.waitForTimeout(1_500));
    tell(`pan of ${count} steps`, frameWords(await framesOf(page, () => pan(person))));
  }

  const rounds = row('rounds', 'Rounds', [
    { component: 'loop', name: 'Loop', config: { batch: 1 }, port: 'loop' },
    { component: 'set', name: 'Body', config: { fields: { twice: '{{ $json.n * 2 }}' } } },
  ]);
  const back = { from: { step: 's2', port: 'out' }, to: { step: 's1', port: 'back' } };
  const looped = await keep(api, { ...rounds, wires: { ...rounds.wires, back } });
  const long = await start(api, looped, { input: Array.from({ length: ROUNDS }, (_, n) => ({ n })) });
  await ended(api, long);
  await page.goto(`${node.url}/runs/${long}`);
  const run = new RunPage(page);
  await run.slider.waitFor();
  await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>('input[type=range]')?.max) > 10_000);
  const box = await run.slider.boundingBox();
  if (!box) throw new Error('The slider is not to be seen');
  const scrub = async () => {
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width - 8, y);
    await page.mouse.down();
    for (let turn = 0; turn <= 300; turn += 1) {
      const part = Math.abs(150 - turn) / 150;
      await page.mouse.move(box.x + 8 + (box.width - 16) * part, y);
      await page.waitForTimeout(EVENT_MS);
    }
    await page.mouse.up();
  };
  tell(
    `scrub of a run of ${(await run.last()).toLocaleString('en')} events, there and back`,
    frameWords(await framesOf(page, scrub)),
  );

  const took = await eventToScreen(node, person, RUNS);
  tell(
    `event → its card on the screen, ${took.length} runs`,
    `p50 ${percentile(took, 0.5)} ms, p99 ${percentile(took, 0.99)} ms`,
  );
} finally {
  await browser.close();
  await node.stop();
}

const [cpu] = cpus();
process.stdout.write(
  `${[
    '| What | Measured |',
    '|---|---|',
    ...said.map(([what, figure]) => `| ${what} | ${figure} |`),
    '',
    `Chromium ${browser.version()} without a window and without a GPU, 1280×800, on ${cpus().length} × ${cpu?.model ?? 'an unknown processor'}, load ${loadavg()[0]?.toFixed(1)}.`,
  ].join('\n')}\n`,
);
