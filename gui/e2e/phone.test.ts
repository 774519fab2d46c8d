import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import { type Person, PHONE } from './support/browser';
import { journey } from './support/journey';
import { draft, ended, keep, row, start } from './support/presets';
import { RunPage } from './support/run-page';

type Activation = { readonly preset: string };

/** Taps a way to another page and waits until it is there: until then the page before it still answers to taps. */
async function opened(way: Locator, name: string): Promise<void> {
  await way.tap();
  await way.page().getByRole('heading', { name, level: 1 }).waitFor();
}

journey('a phone', (at) => {
  let ana: Person;
  let id: string;
  let job: string;
  let run: RunPage;

  test('a run is followed live', async () => {
    const api = await at.node.api();
    const preset = row('invoices', 'Invoices', [
      { component: 'set', name: 'Prepare', config: { fields: { amount: 120 } } },
      { component: 'approval', name: 'May we pay?', config: { title: 'Pay {{ $json.amount }} €?' }, port: 'approved' },
      { component: 'set', name: 'Pay', config: { fields: { paid: true } } },
    ]);
    id = await keep(api, preset);
    ana = await at.person(PHONE);
    await ana.enter(at.node.link);
    const { page } = ana;
    run = new RunPage(page);
    await opened(page.getByRole('link', { name: 'Workflows', exact: true }), 'Workflows');
    await page.getByRole('button', { name: 'Run Invoices' }).tap();
    const dialog = page.getByRole('dialog', { name: 'Run Invoices' });
    await dialog.getByRole('button', { name: 'Run', exact: true }).tap();
    await page.getByRole('tabpanel', { name: 'Steps' }).waitFor();
    job = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    await run.state('waiting').waitFor();
    await run.listed('Prepare', 'succeeded').waitFor();
    await run.listed('May we pay?', 'waits for an answer').waitFor();
    await page.getByRole('button', { name: 'Live', exact: true, pressed: true }).waitFor();
  });

  test('a run is paused, its step approved, and nothing goes on until it is resumed', async () => {
    const { page } = ana;
    const api = await at.node.api();
    await page.getByRole('button', { name: 'Pause: start no further step' }).tap();
    await page.getByRole('button', { name: 'Go on', exact: true }).waitFor();
    await page.getByRole('textbox', { name: 'A remark on: Pay 120 €?' }).fill('looks right');
    await page.getByRole('button', { name: 'Yes' }).tap();
    await page.getByRole('textbox', { name: 'A remark on: Pay 120 €?' }).waitFor({ state: 'hidden' });
    await run.state('paused').waitFor();
    await run.listed('May we pay?', 'answered, waits for the run to go on').waitFor();
    await run.listed('Pay', 'Set fields').waitFor();
    expect((await api.ask<{ state: string }>('GET', `/jobs/${job}`)).state).toBe('paused');
    await page.getByRole('button', { name: 'Go on', exact: true }).tap();
    await run.listed('Pay', 'succeeded').waitFor();
    await run.state('succeeded').waitFor();
    expect(await ended(api, job)).toBe('succeeded');
  });

  test('a waiting step of another run is approved in the inbox', async () => {
    const { page } = ana;
    const api = await at.node.api();
    const other = await start(api, id);
    await opened(page.getByRole('link', { name: /^Approvals/ }), 'Approvals');
    const question = page.getByRole('listitem').filter({ has: page.getByRole('link', { name: other.slice(-6) }) });
    await question.getByRole('button', { name: 'Yes' }).tap();
    await page.getByText('Nothing waits for you').waitFor();
    expect(await ended(api, other)).toBe('succeeded');
  });

  test('a trigger is turned on and off', async () => {
    const { page } = ana;
    const api = await at.node.api();
    const active = async () => (await api.ask<Activation[]>('GET', '/activations')).length;
    await page.getByRole('button', { name: 'More' }).tap();
    const triggers = page.getByRole('link', { name: 'Triggers' }).or(page.getByRole('menuitem', { name: 'Triggers' }));
    await opened(triggers, 'Triggers');
    await page.getByRole('button', { name: 'Turn on Invoices' }).tap();
    await page.getByRole('button', { name: 'Turn off Invoices' }).waitFor();
    expect(await active()).toBe(1);
    await page.getByRole('button', { name: 'Turn off Invoices' }).tap();
    await page.getByRole('button', { name: 'Turn on Invoices' }).waitFor();
    expect(await active()).toBe(0);
  });

  test('a field is changed and a note is written', async () => {
    const { page } = ana;
    const api = await at.node.api();
    await opened(page.getByRole('link', { name: 'Workflows', exact: true }), 'Workflows');
    await page.getByRole('link', { name: 'Invoices', exact: true }).tap();
    await page.getByRole('treeitem', { name: /^Prepare/ }).tap();
    const sheet = page.getByRole('region', { name: 'Step', exact: true });
    await sheet.getByRole('textbox', { name: 'Value of amount' }).fill('80');
    await sheet.getByRole('button', { name: 'Close the panel' }).tap();
    await page.getByRole('main').getByRole('button', { name: 'More' }).tap();
    await page.getByRole('menuitem', { name: 'Note' }).tap();
    await page.getByRole('textbox', { name: /^Note/ }).fill('Ask Ben before paying more than **100 €**.');
    await page.getByRole('button', { name: 'Close the panel' }).tap();
    await page.getByRole('treeitem', { name: /Ask Ben/ }).waitFor();
    await page.getByRole('status').getByText('Live', { exact: true }).waitFor();
    await expect
      .poll(async () => Object.values((await draft(api, id)).notes ?? {}).map((note) => note.text))
      .toEqual(['Ask Ben before paying more than **100 €**.']);
    expect((await draft(api, id)).steps?.s1?.config).toEqual({ fields: { amount: 80 } });
  });
});
