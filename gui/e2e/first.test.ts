import { expect, test } from 'vitest';
import { type Person, words } from './support/browser';
import { Canvas } from './support/designer';
import { journey } from './support/journey';
import { RunPage } from './support/run-page';

const CODE = [
  'rows = [("Tea", 4, 3), ("Milk", 2, 6), ("Cake", 9, 5)]',
  'log("three orders came in")',
  'currency = items[0].json["currency"]',
  'return [{"name": n, "total": p * c, "currency": currency} for n, p, c in rows]',
];
const CARDS = ['Start', 'Order', 'Python', 'Filter', 'Answer'];

journey('the first workflow', (at) => {
  let ana: Person;
  let canvas: Canvas;
  let run: RunPage;
  let first: string;

  test('the printed link lets a person in', async () => {
    ana = await at.person();
    canvas = new Canvas(ana.page);
    run = new RunPage(ana.page);
    await ana.enter(at.node.link);
    await ana.page.getByRole('heading', { name: 'Welcome', level: 1 }).waitFor();
    expect(ana.page.url(), 'the token leaves the address').not.toContain('login');
  });

  test('the same link lets nobody else in, and the page says what to do', async () => {
    const eve = await at.person();
    eve.watch.expect(/403/);
    await eve.page.goto(at.node.link);
    await eve.page.getByRole('alert').getByText('flowork login-link', { exact: true }).last().waitFor();
    expect(await eve.page.getByRole('navigation', { name: 'Main' }).count()).toBe(0);
    await eve.page.context().close();
  });

  test('a new workflow is made and has a start', async () => {
    const { page } = ana;
    await ana.go('Workflows');
    await page.getByRole('button', { name: 'New workflow' }).click();
    await page.getByRole('textbox', { name: 'What is it called?' }).fill('Large orders');
    await page.getByRole('button', { name: 'Make it' }).click();
    await canvas.card('Start').waitFor();
    await page.getByRole('heading', { name: 'Large orders', level: 1 }).waitFor();
  });

  test('four steps are dragged out of the palette and wired from port to port', async () => {
    const { page } = ana;
    await page.getByRole('button', { name: 'Components' }).click();
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await canvas.place('Set fields', { beside: 'Start', by: { x: 40, y: 150 } });
    await canvas.rename('Set fields', 'Order');
    await canvas.place('Python', { beside: 'Order', by: { x: 120, y: -150 } });
    await canvas.place('Filter', { beside: 'Python', by: { x: 60, y: 150 } });
    await canvas.place('Set fields', { beside: 'Filter', by: { x: 60, y: -70 } });
    await canvas.rename('Set fields', 'Answer');
    await canvas.wire('Start', 'out', 'Order', 'in');
    await canvas.wire('Order', 'out', 'Python', 'in');
    await canvas.wire('Python', 'out', 'Filter', 'in');
    await canvas.wire('Filter', 'out', 'Answer', 'in');
    await page.getByRole('region', { name: 'Components' }).getByRole('button', { name: 'Close' }).click();
    await page.keyboard.press('Shift+Alt+T');
    await page.getByRole('button', { name: 'Show all' }).click();
  });

  test('a variable, fields, Python and a condition are written in forms', async () => {
    const { page } = ana;
    await page.getByRole('button', { name: 'About this workflow' }).click();
    await page.getByRole('textbox', { name: 'Name of a new variable' }).fill('least');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Value of least' }).fill('30');

    const order = await canvas.open('Order');
    await order.getByRole('combobox', { name: 'Fields: Name of the new one' }).fill('currency');
    await page.keyboard.press('Enter');
    await order.getByRole('textbox', { name: 'Value of currency' }).fill('EUR');

    const python = await canvas.open('Python');
    await python.getByRole('textbox', { name: 'Code' }).click();
    await page.keyboard.type(CODE.join('\n'));

    const filter = await canvas.open('Filter');
    await filter.getByRole('textbox', { name: 'Condition' }).click();
    await page.keyboard.type('$json.total >= $vars.least');
  });

  test('it runs: the cards light up and the wires count the items', async () => {
    const { page } = ana;
    await canvas.run();
    for (const name of CARDS) await canvas.card(name).filter({ hasText: 'succeeded' }).waitFor();
    expect(await canvas.card('Python').textContent()).toContain('3 items');
    expect(await canvas.countsOnWires()).toEqual(['1', '1', '1', '3']);
    await canvas.open('Python');
    await canvas.below('Logs');
    await page.getByText('three orders came in', { exact: true }).waitFor();
  });

  test('an expression is typed and shows at once what it gives for the data that was there', async () => {
    const { page } = ana;
    const answer = await canvas.open('Answer');
    await answer.getByRole('combobox', { name: 'Fields: Name of the new one' }).fill('text');
    await page.keyboard.press('Enter');
    await answer.getByRole('button', { name: 'fx, expression for Value of text' }).click();
    await answer.getByRole('textbox', { name: 'Value of text, an expression' }).click();
    await page.keyboard.type('{{ $json.name }} costs {{ $json.total }} {{ $json.currency }}');
    await answer.getByRole('status').getByText('Cake costs 45 EUR').waitFor();
    await canvas.isSaved();
    await canvas.run();
    await canvas.below('Run');
    await page.getByRole('link', { name: 'Open the time machine' }).click();
    await run.state('succeeded').waitFor();
  });

  test('the slider and the keys go back in time and show the state of that moment', async () => {
    const { page } = ana;
    await page.getByRole('button', { name: 'Show all' }).click();
    await run.step('Answer').click();
    await page.getByRole('tabpanel', { name: 'Out' }).getByText('Cake costs 45 EUR').waitFor();
    const last = await run.last();
    await run.scrubTo(0.5);
    const there = await run.seq();
    expect(there).toBeGreaterThan(0);
    expect(there).toBeLessThan(last);
    await page.getByText('Not begun at this point').waitFor();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => run.seq()).toBe(there - 1);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => run.seq()).toBe(there + 1);
    await page.keyboard.press('Home');
    await expect.poll(() => run.seq()).toBe(0);
    await expect.poll(() => run.step('Start').textContent()).not.toContain('succeeded');
  });

  test('a variable is edited and the run is replayed from the filter', async () => {
    const { page } = ana;
    await page.getByRole('button', { name: 'To the end' }).click();
    first = new URL(page.url()).pathname;
    await page.getByRole('button', { name: 'Run again' }).click();
    const dialog = page.getByRole('dialog', { name: 'Run again' });
    await dialog.getByRole('combobox', { name: 'From' }).selectOption('Filter');
    await dialog.getByRole('textbox', { name: 'least' }).fill('10');
    await dialog.getByRole('button', { name: 'Run again' }).click();
    await expect.poll(() => new URL(page.url()).pathname).not.toBe(first);
    await run.state('succeeded').waitFor();
    await run.step('Answer').filter({ hasText: '3 items' }).waitFor();
    await run.step('Python').filter({ hasText: 'kept' }).waitFor();
  });

  test('the two runs are compared and the differences are told', async () => {
    const { page } = ana;
    await page.getByRole('button', { name: 'Compare' }).click();
    const compare = page.getByRole('region', { name: 'Compare' });
    const other = compare.getByRole('combobox', { name: 'With another run' });
    const option = other.getByRole('option', { name: new RegExp(first.slice(-6)) });
    await other.selectOption((await option.getAttribute('value')) ?? '');
    const found = compare.getByRole('group', { name: 'Differences' });
    await found.getByText('least').first().waitFor();
    const told = await words(found);
    expect(told).toMatch(/variable least .{1,20} 10 /);
    expect(told).toMatch(/Answer .{0,30}items in 1 3 /);
  });
});
