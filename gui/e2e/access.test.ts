import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Person, PHONE, WIDE } from './support/browser';
import { Canvas } from './support/designer';
import { befriend, lendTo, ranAt } from './support/friends';
import { journey } from './support/journey';
import { lookAt, ModelServer } from './support/model-server';
import { binary, TestNode } from './support/node';
import { draft, ended, keep, row, start } from './support/presets';

type Found = { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] };

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds on the page as it stands, and whether the page is wider than the screen. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = (await page.evaluate('axe.run()')) as { violations: readonly Found[] };
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html.slice(0, 200)}`);
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  return isWide ? [...told, 'the page is wider than the screen'] : told;
}

type Looked = { readonly path: () => string; readonly there: (page: Page) => Promise<unknown> };

journey(
  'every page for everyone',
  (at) => {
    let preset: string;
    let job: string;
    let bens: TestNode;
    let models: ModelServer;

    const heading = (name: string) => (page: Page) => page.getByRole('heading', { name, level: 1 }).waitFor();
    const pages: Readonly<Record<string, Looked>> = {
      home: { path: () => '/', there: heading('Welcome') },
      workflows: { path: () => '/workflows', there: (page) => page.getByRole('link', { name: 'Orders' }).waitFor() },
      designer: {
        path: () => `/workflows/${preset}`,
        there: async (page) => {
          const canvas = new Canvas(page);
          await canvas.card('Total').click();
          await page.getByRole('textbox', { name: 'Name of the step' }).waitFor();
          await page.getByRole('combobox', { name: 'Fields: Name of the new one' }).waitFor();
        },
      },
      'designer, while it is asked what an expression gives': {
        path: () => `/workflows/${preset}`,
        there: async (page) => {
          await new Canvas(page).card('Total').click();
          await page.getByRole('status').getByText('12', { exact: true }).waitFor();
          await page.route('**/expressions/preview', () => undefined);
          await page.getByRole('textbox', { name: 'total, an expression' }).click();
          await page.keyboard.type(' ');
          await page.locator('output[aria-busy=true]').getByText('12', { exact: true }).waitFor();
        },
      },
      runs: { path: () => '/runs', there: (page) => page.getByText('orders').first().waitFor() },
      run: { path: () => `/runs/${job}?step=s1&tab=out`, there: (page) => page.getByText('Ada').first().waitFor() },
      components: { path: () => '/components/set', there: heading('Components') },
      triggers: { path: () => '/triggers', there: heading('Triggers') },
      approvals: { path: () => '/approvals', there: (page) => page.getByText('Pay 12 €?').waitFor() },
      friends: {
        path: () => '/friends',
        there: async (page) => {
          await page.getByText('direct', { exact: true }).waitFor();
          await page.getByText('How others reach this node').click();
          await page.getByRole('textbox', { name: 'Own addresses' }).waitFor();
        },
      },
      lending: {
        path: () => '/lending',
        there: async (page) => {
          await page.getByText(/^Ben may use orders/).waitFor();
          await page.getByText(/^Model tiny-1 · model server at/).waitFor();
          await page.getByText('Takes no runs').waitFor();
        },
      },
      'when it is lent': {
        path: () => '/lending',
        there: async (page) => {
          await page.getByRole('button', { name: 'When tiny is lent' }).click();
          const dialog = page.getByRole('dialog', { name: 'When is “tiny” lent?' });
          await dialog.getByText('At some hours').click();
          await dialog.getByLabel('Until', { exact: true }).fill('22:00');
          await dialog.getByRole('alert').waitFor();
          await dialog.getByRole('textbox', { name: 'Program' }).fill('/usr/bin/blender');
          await dialog.getByText('Only the name of its file, without the folder.').waitFor();
        },
      },
      'lend a model': {
        path: () => '/lending',
        there: async (page) => {
          await page.getByRole('button', { name: 'Lend something' }).click();
          const dialog = page.getByRole('dialog', { name: 'Lend something' });
          await dialog.getByText('A model on this machine').click();
          await lookAt(dialog, models.url);
          await dialog.getByRole('combobox', { name: 'Model' }).waitFor();
          await lookAt(dialog, 'http://192.0.2.7');
          await dialog.getByRole('alert').waitFor();
        },
      },
      'could they': {
        path: () => '/lending',
        there: async (page) => {
          await page.getByRole('button', { name: 'Ask' }).click();
          await page.getByText('Ben could do it now.').waitFor();
        },
      },
      'let somebody use it': {
        path: () => '/lending',
        there: async (page) => {
          await page.getByRole('button', { name: 'Let somebody use it' }).click();
          await page.getByText(/^Ben may use orders for orders · at most/).waitFor();
        },
      },
      'let somebody ask a model': {
        path: () => '/lending',
        there: async (page) => {
          await page.getByRole('button', { name: 'Let somebody use it' }).click();
          await page.getByRole('dialog').getByRole('combobox', { name: 'Engine' }).selectOption('tiny');
          await page.getByRole('textbox', { name: 'Tokens a day' }).waitFor();
        },
      },
      borrowing: { path: () => '/lending?tab=borrow', there: (page) => page.getByText(/workshop of Ben/).waitFor() },
      invitation: {
        path: () => '/friends',
        there: async (page) => {
          await page.getByRole('button', { name: 'Invite a friend' }).click();
          await page.getByRole('button', { name: 'Make the link' }).click();
          await page.getByText('Works once').waitFor();
        },
      },
      receipts: { path: () => '/receipts', there: (page) => page.getByText('report ran at Ben’s for you').waitFor() },
      months: { path: () => '/receipts?tab=months', there: (page) => page.getByText('At Ben’s, for you').waitFor() },
      decisions: { path: () => '/receipts?tab=decisions', there: (page) => page.getByText('Became friends').waitFor() },
      settings: { path: () => '/settings', there: (page) => page.getByText('this tab').waitFor() },
    };

    beforeAll(async () => {
      const api = await at.node.api();
      preset = await keep(
        api,
        row('orders', 'Orders', [
          { component: 'set', name: 'Total', config: { fields: { name: 'Ada', total: '{{ 3 * 4 }}' } } },
          {
            component: 'approval',
            name: 'May we pay?',
            config: { title: 'Pay {{ $json.total }} €?' },
            port: 'approved',
          },
          { component: 'set', name: 'Pay', config: { fields: { paid: true } } },
        ]),
      );
      job = await start(api, preset);
      await api.ask('POST', `/presets/${preset}/activate`, {});
      bens = await TestNode.start('on');
      const ben = await bens.api();
      await befriend(api, ben, { first: 'Ana', second: 'Ben' });
      await keep(ben, row('report', 'Report', [{ component: 'set', name: 'Mark', config: { fields: { by: 'Ben' } } }]));
      await lendTo(ben, api, { engine: 'workshop', preset: 'report', to: 'Ana', limits: { calls_per_hour: 5 } });
      await lendTo(api, ben, { engine: 'orders', preset: 'orders', to: 'Ben', limits: { calls_per_hour: 20 } });
      await ranAt(api, 'Ben', 'report');
      models = await ModelServer.start(['tiny-1', 'tiny-2'], ['Yes.']);
      await api.ask('PUT', '/engines/tiny', { chat: { server: models.url, model: 'tiny-1' } });
      await api.ask('PUT', '/engines/tiny/policy', { not_while: ['blender', basename(binary())] });
    });
    afterAll(async () => {
      await models?.stop();
      await bens?.stop();
    });

    const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
      ['wide and light', { ...WIDE, colorScheme: 'light' }],
      ['wide and dark', { ...WIDE, colorScheme: 'dark' }],
      ['on a phone, light', { ...PHONE, colorScheme: 'light' }],
      ['on a phone, dark', { ...PHONE, colorScheme: 'dark' }],
    ];

    test.each(LOOKS)('axe finds nothing, %s', async (_, options) => {
      const out = await at.person({ ...options, reducedMotion: 'reduce' });
      // Who is not known yet; a model server that is not there.
      out.watch.expect(/403|404|422/);
      await out.page.goto(at.node.url);
      await out.page.getByText('This browser is not known here yet').waitFor();
      const found: Record<string, string[]> = { login: await faults(out.page) };
      await out.enter(await at.node.anotherLink());
      for (const [name, { path, there }] of Object.entries(pages)) {
        await out.page.goto(at.node.url + path());
        await there(out.page);
        found[name] = await faults(out.page);
      }
      await out.page.context().close();
      expect(Object.entries(found).filter(([, faulty]) => faulty.length > 0)).toEqual([]);
    });

    test('axe finds nothing in Indonesian, and the page says its language', async () => {
      const person = await at.person({ ...WIDE, locale: 'id-ID', reducedMotion: 'reduce' });
      await person.page.goto(await at.node.anotherLink());
      for (const [path, title] of [
        ['/', 'Selamat datang'],
        ['/settings', 'Pengaturan'],
        ['/friends', 'Teman'],
        ['/lending', 'Pinjaman'],
        ['/receipts', 'Tanda terima'],
      ] as const) {
        await person.page.getByRole('navigation').first().waitFor();
        await person.page.goto(at.node.url + path);
        await person.page.getByRole('heading', { name: title, level: 1 }).waitFor();
        expect(await person.page.evaluate(() => document.documentElement.lang)).toBe('id');
        expect(await faults(person.page), path).toEqual([]);
      }
      await person.page.context().close();
    });
  },
  'on',
);

/** Presses Tab until what has the focus is called so. */
async function tabTo(page: Page, name: RegExp, key = 'Tab'): Promise<void> {
  const called: string[] = [];
  for (let turn = 0; turn < 80; turn += 1) {
    await page.keyboard.press(key);
    const focused = page.locator(':focus');
    const said = (await focused.count()) === 0 ? '' : await focused.ariaSnapshot();
    if (name.test(said)) return;
    called.push(said);
  }
  throw new Error(`Tab came to nothing called ${name}: ${called.join(' | ')}`);
}

journey('without a mouse', (at) => {
  let ana: Person;

  test('two connected steps are built and run by keys alone', async () => {
    ana = await at.person();
    const { page } = ana;
    const { keyboard } = page;
    const canvas = new Canvas(page);
    await ana.enter(at.node.link);
    await keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('combobox').waitFor();
    await keyboard.type('Workflows');
    await page.getByRole('option', { name: 'Workflows' }).first().waitFor();
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Workflows', level: 1 }).waitFor();
    await tabTo(page, /New workflow/);
    await keyboard.press('Enter');
    await tabTo(page, /What is it called\?/);
    await keyboard.press('Control+a');
    await keyboard.type('By keys');
    await keyboard.press('Enter');
    await canvas.card('Start').waitFor();

    await tabTo(page, /Start/);
    for (const component of ['Set fields', 'Do nothing']) {
      await keyboard.press('n');
      await page.getByRole('dialog').getByRole('combobox').waitFor();
      await keyboard.type(component);
      await page
        .getByRole('option', { name: new RegExp(`^${component}`) })
        .first()
        .waitFor();
      await keyboard.press('Enter');
      await canvas.card(component).waitFor();
    }
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    await canvas.isSaved();
    const wires = Object.values((await draft(await at.node.api(), id)).wires ?? {});
    expect(wires.length, 'wires').toBe(2);

    await keyboard.press('ArrowLeft');
    await canvas.card('Set fields').and(page.locator(':focus')).waitFor();
    await keyboard.press('Enter');
    await tabTo(page, /Fields: Name of the new one/);
    await keyboard.type('greeting');
    await keyboard.press('Enter');
    await tabTo(page, /Value of greeting/);
    await keyboard.type('Hello');
    await canvas.isSaved();
    await keyboard.press('Control+Enter');
    await tabTo(page, /Narrow the panel/, 'Shift+Tab');
    await keyboard.press('Enter');
    for (const name of ['Start', 'Set fields', 'Do nothing'])
      await canvas.card(name).filter({ hasText: 'succeeded' }).waitFor();
    const api = await at.node.api();
    const [job] = (await api.ask<{ jobs: { id: string }[] }>('GET', '/jobs?limit=1')).jobs;
    expect(await ended(api, job?.id ?? '')).toBe('succeeded');
  });
});
