//! One journey over the pages beside the designer: beginning, running, comparing, reading, in both languages.
import { expect, test } from 'vitest';
import { type Person, WIDE } from './support/browser';
import { Canvas } from './support/designer';
import { journey } from './support/journey';
import { ended, keep, row, start } from './support/presets';

const MAKE = 'return Array.from({ length: 300 }, (_, i) => ({ json: { id: i, total: i * 2 } }));';

/** 300 items, each marked large or small by a variable. */
const orders = {
  ...row('orders', 'Orders', [
    { component: 'code', name: 'Make', config: { code: MAKE } },
    { component: 'set', name: 'Mark', config: { fields: { size: '{{ $json.total > $vars.least ? "L" : "S" }}' } } },
  ]),
  variables: { least: { value: 400 } },
};

journey('the pages beside the designer', (at) => {
  let ana: Person;

  test('a new workflow begins on the first page', async () => {
    ana = await at.person();
    const { page } = ana;
    await ana.enter(at.node.link);
    await page.getByRole('button', { name: 'New workflow' }).click();
    await page.getByRole('textbox', { name: 'What is it called?' }).fill('From home');
    await page.keyboard.press('Enter');
    await new Canvas(page).card('Start').waitFor();
    await page.getByRole('heading', { name: 'From home', level: 1 }).waitFor();
  });

  test('the end of a run that was over before the page looked is said', async () => {
    const { page } = ana;
    await keep(await at.node.api(), orders);
    await page.goto(at.node.url);
    await page.getByRole('button', { name: 'Run Orders' }).click();
    await page.getByRole('textbox', { name: 'least' }).waitFor();
    await page.keyboard.press('Enter');
    await page
      .getByRole('status')
      .getByText(/^Run finished: succeeded, after/)
      .waitFor();
    expect(await page.title()).toMatch(/^succeeded: Orders/);
  });

  test('a run that is only looked at says nothing', async () => {
    const { page } = ana;
    await page.reload();
    await page.getByRole('heading', { name: /^Orders/, level: 1 }).waitFor();
    await page.waitForTimeout(1_000);
    expect(await page.getByText(/^Run finished/).count()).toBe(0);
  });

  test('two runs are compared field by field, and the rest page by page', async () => {
    const { page } = ana;
    const api = await at.node.api();
    const before = await start(api, 'orders');
    await ended(api, before);
    const after = await start(api, 'orders', { variables: { least: 300 } });
    await ended(api, after);
    await page.goto(`${at.node.url}/runs/${after}?other=${before}`);
    const mark = page.getByRole('region', { name: 'Mark' });
    const table = mark.getByRole('table', { name: 'Items of Mark out of out that differ' });
    // Totals above 300 up to 400: items 152 to 201.
    await mark.getByText('50 items differ').waitFor();
    const [first] = await table.getByRole('row').filter({ hasText: 'size' }).all();
    expect(await first?.textContent()).toBe('152sizeSL');
    await mark.getByRole('button', { name: 'Page by page' }).click();
    await mark.getByText('1–100 of 300 · 0 items differ').waitFor();
    await mark.getByRole('button', { name: 'Next difference' }).click();
    await mark.getByText('152–251 of 300 · 50 items differ').waitFor();
    await table.getByRole('button', { name: '152' }).click();
    await table.getByText('total: 302').first().waitFor();
    await mark.getByRole('button', { name: 'Next difference' }).click();
    await mark.getByText('No further difference up to the end.').waitFor();
  });

  test('what is in the manifests speaks Indonesian, with its code as code', async () => {
    const budi = await at.person({ ...WIDE, locale: 'id-ID' });
    const { page } = budi;
    await page.goto(await at.node.anotherLink());
    await page.getByRole('navigation', { name: 'Utama' }).waitFor();
    await page.goto(`${at.node.url}/components/http-request`);
    await page.getByRole('heading', { name: 'Permintaan HTTP', level: 2 }).waitFor();
    const url = page.getByRole('row', { name: /^url / });
    expect(await url.textContent()).toContain('Alamatnya, dengan http:// atau https://.');
    expect(await url.locator('code').allTextContents()).toEqual(['http://', 'https://']);
    await page.context().close();
  });
});
