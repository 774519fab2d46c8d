//! The panel of a step: what an empty script begins with, where Esc leads, what data and failures say.
import { expect, test } from 'vitest';
import type { Person } from './support/browser';
import { Canvas } from './support/designer';
import { journey } from './support/journey';
import { draft, keep, row } from './support/presets';

const MAKE = "return [{ city: 'Paris', people: 2 }, { city: 'Oslo', people: 0 }, { city: 'Rome', people: 7 }]";

journey('the panel of a step', (at) => {
  let ana: Person;
  let canvas: Canvas;
  let id: string;
  const code = async () => {
    await canvas.isSaved();
    return (await draft(await at.node.api(), id)).steps?.s2?.config;
  };
  const editor = () => ana.page.getByRole('textbox', { name: 'Code' });
  const insert = async (piece: string) => {
    await ana.page.getByRole('button', { name: 'Insert code' }).click();
    await ana.page.getByRole('menuitem', { name: piece }).click();
  };

  test('an empty script begins with an example, by one key and in one edit', async () => {
    ana = await at.person();
    canvas = new Canvas(ana.page);
    await ana.enter(at.node.link);
    id = await keep(
      await at.node.api(),
      row('panel', 'Panel', [
        { component: 'code', name: 'Make', config: { code: MAKE } },
        { component: 'python', name: 'Count', config: { code: '' } },
        { component: 'if', name: 'Many', config: { condition: '{{ $json.position > 1 }}' } },
      ]),
    );
    await ana.page.goto(`${at.node.url}/workflows/${id}`);
    await canvas.open('Count');
    await ana.page.getByRole('button', { name: 'Zoom out' }).click();
    await ana.page.getByRole('button', { name: 'Zoom out' }).click();
    await ana.page.getByRole('button', { name: 'Start from this example' }).focus();
    await ana.page.keyboard.press('Enter');
    await ana.page.getByRole('button', { name: 'Start from this example' }).waitFor({ state: 'detached' });
    expect(await editor().evaluate((it) => it.contains(document.activeElement))).toBe(true);
    expect(await code()).toMatchObject({ code: expect.stringContaining('return results') });
    await ana.page.getByRole('button', { name: 'Undo', exact: true }).click();
    await ana.page.getByRole('button', { name: 'Start from this example' }).waitFor();
    await ana.page.getByRole('button', { name: 'Redo', exact: true }).click();
    await canvas.run();
    await canvas.card('Many').getByText('succeeded').waitFor();
  });

  test('the choice of ports says how many items each gave', async () => {
    const panel = await canvas.open('Many');
    await panel.getByRole('tab', { name: 'Data' }).click();
    await panel.getByLabel('Port').waitFor();
    expect(await panel.getByLabel('Port').locator('option').allTextContents()).toEqual([
      'true · 2 items',
      'false · 1 item',
    ]);
  });

  test('a piece of code names fields of the data that came in, and its port is there', async () => {
    await canvas.open('Count');
    await editor().click();
    await ana.page.keyboard.press('Control+a');
    await ana.page.keyboard.press('Delete');
    await insert('Give items to a second output');
    // The piece comes when the menu has closed: before, "saved" is said of what was there without it.
    await editor().filter({ hasText: 'item.json.get' }).waitFor();
    const config = await code();
    expect(config).toMatchObject({ outputs: ['rest'], code: expect.stringContaining('item.json.get("city")') });
    expect(await canvas.port('Count', 'out', 'rest')).toBeTruthy();
  });

  test('a failure of before a change says so', async () => {
    await editor().click();
    await ana.page.keyboard.press('Control+a');
    await ana.page.keyboard.type('raise ValueError("too few")');
    await canvas.isSaved();
    await canvas.run();
    const note = ana.page.getByRole('note').filter({ hasText: 'too few' });
    await note.waitFor();
    expect(await note.textContent()).not.toContain('before the last change');
    await editor().click();
    await ana.page.keyboard.press('Control+a');
    await ana.page.keyboard.type('return items');
    await note.getByText(/^In run \w+, before the last change of this step$/).waitFor();
  });

  test('Esc leads from the field to the panel to the canvas, and the panel stays', async () => {
    const focused = () => ana.page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');
    const panel = await canvas.open('Many');
    await panel.getByRole('tab', { name: 'Config' }).click();
    await panel.getByRole('textbox', { name: 'Condition' }).click();
    await ana.page.keyboard.press('Home');
    for (let step = 0; step < 3; step += 1) await ana.page.keyboard.press('ArrowRight');
    await ana.page.keyboard.type('$j');
    await ana.page.locator('.cm-tooltip-autocomplete').waitFor();
    await ana.page.keyboard.press('Escape');
    await ana.page.locator('.cm-tooltip-autocomplete').waitFor({ state: 'detached' });
    expect(await focused()).toBe('Condition');
    await ana.page.keyboard.press('Escape');
    expect(await focused()).toBe('Many');
    await ana.page.keyboard.press('Escape');
    expect(await canvas.card('Many').evaluate((card) => card === document.activeElement)).toBe(true);
    await panel.waitFor();
    await ana.page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
  });

  test('what is said lies over nothing, and the sizes of panels are kept', async () => {
    await canvas.open('Make');
    await canvas.below('Run');
    await ana.page.getByRole('separator', { name: 'Width of the panel' }).focus();
    await ana.page.keyboard.press('ArrowLeft');
    const width = async () =>
      Math.round((await canvas.page.getByRole('region', { name: 'Make', exact: true }).boundingBox())?.width ?? 0);
    const wider = await width();
    expect(wider).toBeGreaterThan(360);
    await canvas.board.focus();
    await ana.page.keyboard.press('Control+c');
    const said = ana.page.locator('[data-said]');
    await said.waitFor();
    const covered = await said.evaluate((line) => {
      const box = line.getBoundingClientRect();
      const under = [...document.querySelectorAll('button, [role=tab], [data-card]')].filter(
        (it) => !line.contains(it),
      );
      return under.filter((it) => {
        const other = it.getBoundingClientRect();
        return (
          other.width > 0 &&
          other.left < box.right &&
          box.left < other.right &&
          other.top < box.bottom &&
          box.top < other.bottom
        );
      }).length;
    });
    expect(covered).toBe(0);
    await ana.page.reload();
    await canvas.open('Make');
    expect(await width()).toBeCloseTo(wider, -1);
  });
});
