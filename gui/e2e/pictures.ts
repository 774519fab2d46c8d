//! Pictures of every page for the guide, light and dark, made from a real node with real runs. `npm run pictures`, or only
//! some of them: `npm run pictures -- friends invitation`.
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Preset } from '@/shared/api/types';
import type { Api } from './support/api';
import { openBrowser, Person, PHONE, WIDE } from './support/browser';
import { Canvas } from './support/designer';
import { befriend, lendTo, ranAt } from './support/friends';
import { TestNode } from './support/node';
import { ended, keep, row, start } from './support/presets';
import { invoices } from './support/showcase';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INTO = join(ROOT, 'docs/guide/pictures');

/** The pictures that are wanted; all when none is named. */
const WANTED: readonly string[] = process.argv.slice(3);
const isWanted = (name: string): boolean => WANTED.length === 0 || WANTED.includes(name);

type Shown = { readonly path: string; readonly there: (page: Page) => Promise<unknown> };

const heading = (name: string) => (page: Page) => page.getByRole('heading', { name, level: 1 }).waitFor();

/** Brings the examples onto the node and runs them, some more than once, some that fail, one that waits. */
async function furnish(node: TestNode, api: Api): Promise<Readonly<Record<string, string>>> {
  await copyFile(join(ROOT, 'examples/data/orders.csv'), join(node.data, 'files/orders.csv'));
  const ids: Record<string, string> = {};
  for (const file of await readdir(join(ROOT, 'examples'))) {
    if (!file.endsWith('.json') || file === 'welcome.json') continue;
    const preset = JSON.parse(await readFile(join(ROOT, 'examples', file), 'utf8')) as Preset;
    ids[preset.name] = await keep(api, preset);
  }
  const draft = await keep(api, invoices);
  await api.ask('POST', `/presets/${draft}/activate`, {});
  await api.ask('POST', `/presets/${ids['six-languages']}/activate`, {});
  const run = async (name: string, more: object = {}) => {
    const job = await start(api, name, more);
    await ended(api, job);
    return job;
  };
  for (const name of ['welcome', 'csv-clean', 'log-report', 'csv-clean', 'six-languages']) await run(name);
  const rows = await run('csv-clean');
  const failed = await run('log-report', { variables: { log: '/var/log/shop.log' } });
  const first = await run('six-languages');
  const second = await run('six-languages', { variables: { discount_percent: 25 } });
  const waiting = await start(api, 'invoices');
  return { ...ids, draft, rows, failed, first, second, waiting };
}

/** Gives a node a name, and waits until others see it. */
async function call(api: Api, name: string): Promise<void> {
  await api.ask('PUT', '/settings', { 'node.name': name });
  for (;;) {
    // What talks to other nodes starts again with it, and does not answer meanwhile.
    const mesh = await api.ask<{ name: string }>('GET', '/mesh').catch(() => undefined);
    if (mesh?.name === name) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Makes Ben a friend: each lends the other something, and both use it. */
async function befriendBen(node: TestNode, api: Api, bens: TestNode): Promise<void> {
  const ben = await bens.api();
  await Promise.all([call(api, 'Ana’s desk'), call(ben, 'Ben’s attic')]);
  await befriend(api, ben, { first: 'Ana', second: 'Ben' });
  const mark = (name: string, title: string) =>
    keep(ben, row(name, title, [{ component: 'set', name: 'Mark', config: { fields: { made_by: 'Ben' } } }]));
  await mark('monthly-report', 'Monthly report');
  await mark('summarise', 'Summarise texts');
  await lendTo(ben, api, { engine: 'workshop', preset: 'monthly-report', to: 'Ana', limits: { calls_per_hour: 20 } });
  await lendTo(ben, api, { engine: 'workshop', preset: 'summarise', to: 'Ana', limits: { concurrent: 1 } });
  const limits = { calls_per_hour: 5, concurrent: 1, bytes_per_day: 50_000_000 };
  await lendTo(api, ben, { engine: 'reports', preset: 'csv-clean', to: 'Ben', limits });
  for (const [who, peer, preset, times] of [
    [api, 'Ben', 'monthly-report', 2],
    [api, 'Ben', 'summarise', 1],
    [ben, 'Ana', 'csv-clean', 3],
  ] as const) {
    const draft = await ranAt(who, peer, preset);
    for (let more = 1; more < times; more += 1) await ended(who, await start(who, draft));
  }
  await api.ask('PUT', '/engines/reports/policy', { not_while: ['blender'] });
  const note = 'I would like to see how the shop did this week.';
  await ben.ask('POST', '/peers/Ana/requests', { engine: 'reports', can: ['run:log-report'], note });
  await node.terminal('person', 'create', '--name', 'Ana Lovelace', '--node-name', 'desk');
  await bens.terminal('person', 'create', '--name', 'Ben Okri', '--node-name', 'attic');
}

const [node, bens] = await Promise.all([TestNode.start('on'), TestNode.start('on')]);
const browser = await openBrowser();
try {
  const api = await node.api();
  const made = await furnish(node, api);
  await befriendBen(node, api, bens);
  const of = (name: string) => made[name] ?? '';
  const designer: Shown = {
    path: `/workflows/${of('draft')}`,
    there: async (page) => {
      const canvas = new Canvas(page);
      await canvas.card('Start').filter({ hasText: 'succeeded' }).waitFor();
      await canvas.isSaved();
    },
  };
  const pages: Readonly<Record<string, Shown>> = {
    home: { path: '/', there: (page) => page.getByRole('link', { name: 'Invoices to pay', exact: true }).waitFor() },
    workflows: { path: '/workflows', there: (page) => page.getByText('Six languages, one order').first().waitFor() },
    designer: {
      ...designer,
      there: async (page) => {
        await designer.there(page);
        const panel = await new Canvas(page).open('Add up');
        await panel.getByText('Code', { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Show all' }).click();
        await page.mouse.move(500, 20);
      },
    },
    'designer-wide': {
      ...designer,
      there: async (page) => {
        await designer.there(page);
        await new Canvas(page).card('Letter').click();
        await page.getByRole('button', { name: 'Widen the panel' }).click();
        await page.getByText('Input', { exact: true }).first().waitFor();
        await page.getByRole('button', { name: 'Show all' }).click();
        await page.mouse.move(300, 20);
      },
    },
    runs: { path: '/runs', there: (page) => page.getByText('six-languages').first().waitFor() },
    run: { path: `/runs/${of('second')}`, there: heading(`Six languages, one order ${of('second').slice(-6)}`) },
    'run-data': {
      path: `/runs/${of('rows')}?step=amount&tab=out`,
      there: heading(`Good rows, bad rows ${of('rows').slice(-6)}`),
    },
    'run-failed': {
      path: `/runs/${of('failed')}?step=read`,
      there: (page) => page.getByText('failed').first().waitFor(),
    },
    compare: {
      path: `/runs/${of('second')}?other=${of('first')}`,
      there: (page) => page.getByText('discount_percent').first().waitFor(),
    },
    components: { path: '/components/http-request', there: heading('Components') },
    triggers: { path: '/triggers', there: (page) => page.getByText('Order by HTTP').first().waitFor() },
    approvals: { path: '/approvals', there: (page) => page.getByText('Pay 3 invoices?').waitFor() },
    friends: {
      path: '/friends',
      there: async (page) => {
        await page.getByText('direct', { exact: true }).waitFor();
        await page.getByText('a node of Ben Okri').waitFor();
      },
    },
    reach: {
      path: '/friends',
      there: async (page) => {
        await page.getByText('How others reach this node').click();
        await page.getByText('It listens at').waitFor();
      },
    },
    invitation: {
      path: '/friends',
      there: async (page) => {
        await page.getByRole('button', { name: 'Invite a friend' }).click();
        await page.getByRole('textbox', { name: 'What will you call them?' }).fill('Cem');
        await page.getByRole('button', { name: 'Make the link' }).click();
        await page.getByText('Works once').waitFor();
      },
    },
    lending: { path: '/lending', there: (page) => page.getByText('This hour 3 of 5').waitFor() },
    borrowing: { path: '/lending?tab=borrow', there: (page) => page.getByText('workshop of Ben').first().waitFor() },
    receipts: { path: '/receipts', there: (page) => page.getByText('csv-clean ran here for Ben').first().waitFor() },
    settings: { path: '/settings', there: (page) => page.getByText('this tab').waitFor() },
  };
  const phone: Readonly<Record<string, Shown>> = {
    'phone-designer': designer,
    'phone-run': {
      path: `/runs/${of('waiting')}`,
      there: (page) => page.getByRole('button', { name: 'Yes' }).waitFor(),
    },
    'phone-runs': { path: '/runs', there: (page) => page.getByText('six-languages').first().waitFor() },
    'phone-lending': { path: '/lending', there: (page) => page.getByText('This hour 3 of 5').waitFor() },
    'phone-approvals': { path: '/approvals', there: (page) => page.getByText('Pay 3 invoices?').waitFor() },
  };

  await mkdir(INTO, { recursive: true });
  const take = async (
    options: BrowserContextOptions,
    shown: Readonly<Record<string, Shown>>,
    theme: 'light' | 'dark',
  ) => {
    const person = await Person.open(browser, { ...options, colorScheme: theme, reducedMotion: 'reduce' });
    const { page } = person;
    // What is taken is what stands still: the same picture twice.
    const shoot = async (name: string) => {
      let last: Buffer = Buffer.alloc(0);
      for (;;) {
        const now = await page.screenshot({ animations: 'disabled', caret: 'hide' });
        if (now.equals(last)) break;
        last = now;
        await page.waitForTimeout(400);
      }
      await writeFile(join(INTO, `${name}-${theme}.png`), last);
      process.stdout.write(`${name}-${theme}.png\n`);
    };
    if (options === WIDE && isWanted('login')) {
      await page.goto(node.url);
      await page.getByText('This browser is not known here yet').waitFor();
      await shoot('login');
    }
    await person.enter(await node.anotherLink());
    for (const [name, { path, there }] of Object.entries(shown)) {
      if (!isWanted(name)) continue;
      await page.goto(node.url + path);
      await there(page);
      await shoot(name);
    }
    await page.context().close();
  };
  for (const theme of ['light', 'dark'] as const) {
    await take(WIDE, pages, theme);
    await take(PHONE, phone, theme);
  }
} finally {
  await browser.close();
  await Promise.all([node.stop(), bens.stop()]);
}
