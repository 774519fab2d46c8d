//! Between three friends: a single component is asked for, lent as it is set, renewed, and passed on; and a person's nodes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Person, words } from './support/browser';
import { Canvas } from './support/designer';
import { befriend } from './support/friends';
import { journey } from './support/journey';
import { TestNode } from './support/node';

const GIVEN = /^Ana may use bench for the component set · 20 calls\/h/;
const HELD = /this node may use bench of Ben for the component set/;
const PASSED = /^Cem may use bench of Ben for the component set/;

journey(
  'lending',
  (at) => {
    let bens: TestNode;
    let cems: TestNode;
    let ana: Person;
    let ben: Person;
    let cem: Person;

    beforeAll(async () => {
      [bens, cems] = await Promise.all([TestNode.start('on'), TestNode.start('on')]);
      const [a, b, c] = await Promise.all([at.node.api(), bens.api(), cems.api()]);
      await befriend(a, b, { first: 'Ana', second: 'Ben' });
      await befriend(a, c, { first: 'Ana', second: 'Cem' });
    });
    afterAll(() => Promise.all([bens?.stop(), cems?.stop()]));

    test('Ben lends a single component as he sets it: not before all is set, and never with a secret', async () => {
      ben = await at.person();
      const { page } = ben;
      await ben.enter(bens.link);
      await ben.go('Lending');
      await page.getByRole('button', { name: 'Lend something' }).click();
      const dialog = page.getByRole('dialog', { name: 'Lend something' });
      await dialog.getByText('A single component').click();
      const which = dialog.getByRole('combobox', { name: 'Component' });
      const lend = dialog.getByRole('button', { name: 'Lend it' });
      await which.selectOption('HTTP request');
      expect(await lend.isDisabled()).toBe(true);
      await dialog.getByRole('textbox', { name: 'URL' }).fill('https://example.org');
      expect(await lend.isEnabled()).toBe(true);
      await which.selectOption('Set fields');
      await dialog.getByRole('combobox', { name: 'Fields: Name of the new one' }).fill('made_by');
      await page.keyboard.press('Enter');
      await dialog.getByRole('textbox', { name: 'Value of made_by' }).fill('Ben');
      const engine = dialog.getByRole('combobox', { name: 'Engine' });
      expect(await engine.inputValue()).toBe('set');
      await engine.fill('bench');
      await lend.click();
      await page
        .getByRole('paragraph')
        .filter({ hasText: /^Component set$/ })
        .waitFor();
      await page.getByText('As you set it when you lent it').waitFor();
    });

    test('Ana asks Ben for it; one who is away cannot be asked, and that is said', async () => {
      ana = await at.person();
      const { page } = ana;
      await ana.enter(at.node.link);
      await ana.go('Lending');
      await page.getByRole('tab', { name: 'I borrow' }).click();
      await page.getByRole('button', { name: 'Ask a friend for something' }).click();
      const dialog = page.getByRole('dialog', { name: 'Ask a friend for something' });
      const send = dialog.getByRole('button', { name: 'Ask', exact: true });
      await dialog.getByRole('combobox', { name: 'Whom' }).selectOption('Ben');
      await dialog.getByRole('combobox', { name: 'For what' }).selectOption('a single component');
      expect(await send.isDisabled()).toBe(true);
      await dialog.getByRole('textbox', { name: 'Component' }).fill('set');
      await dialog.getByRole('textbox', { name: 'A note' }).fill('For <b>the club</b>.');
      await send.click();
      await dialog.getByText(/^Ben’s node has it\./).waitFor();
      await page.keyboard.press('Escape');
    });

    test('Ben sees who asks, for what and why, and the form that answers is filled in', async () => {
      const { page } = ben;
      await page.getByText('Ana would like to use the component set').waitFor();
      await page.getByText('For <b>the club</b>.').waitFor();
      await page.getByRole('button', { name: /^Let them…: Ana would like to use/ }).click();
      const dialog = page.getByRole('dialog', { name: 'Let Ana use it' });
      expect(await dialog.getByRole('combobox', { name: 'Engine' }).inputValue()).toBe('bench');
      expect(await dialog.getByRole('checkbox', { name: 'Component set' }).isChecked()).toBe(true);
      await dialog.getByRole('switch', { name: 'Renew it by itself' }).click();
      await dialog.getByRole('combobox', { name: 'May they pass it on?' }).selectOption('once');
      await dialog.getByText(/ · may pass it on once · renews by itself$/).waitFor();
      await dialog.getByRole('button', { name: 'Let them use it' }).click();
      await page.getByText(GIVEN).waitFor();
      await page.getByText('renews by itself').waitFor();
      await page.getByText('What friends ask for').waitFor({ state: 'detached' });
    });

    test('Ana uses it in a workflow; where it runs and what happens while Ben is away can be read and changed', async () => {
      const { page } = ana;
      await page.getByText(HELD).waitFor();
      await page.getByRole('button', { name: 'Use set in a workflow' }).click();
      const canvas = new Canvas(page);
      const step = 'set at Ben';
      await canvas.card(step).waitFor();
      await canvas.isSaved();
      const panel = await canvas.open(step);
      expect(await panel.getByRole('combobox', { name: 'Component' }).inputValue()).toBe('set');
      expect(await panel.getByRole('textbox', { name: 'Workflow' }).count()).toBe(0);
      expect(await panel.getByRole('radio', { name: /^At a friend’s/ }).isChecked()).toBe(true);
      await panel.getByText('You are asked', { exact: true }).click();
      await panel.getByText('On this machine', { exact: true }).first().click();
      // Nothing leaves the machine then, so nobody is asked; both are said to contradict each other.
      await panel.getByText(/nothing leaves this machine, so nobody else does it/).waitFor();
      await panel.getByText('At a friend’s', { exact: true }).click();
      await canvas.isSaved();
      await canvas.run();
      await canvas.card(step).filter({ hasText: 'succeeded' }).waitFor();
      await panel.getByRole('tab', { name: 'Data' }).click();
      await panel.getByText('made_by').first().waitFor();
      await ana.go('Receipts');
      await page.getByText(/the component set ran at Ben’s for you/).waitFor();
    });

    test('what Ben renews takes the place of what was there', async () => {
      const { page } = ben;
      await page.getByRole('button', { name: /^Renew: Ana may use bench/ }).click();
      const dialog = page.getByRole('dialog', { name: 'Let Ana use it for longer?' });
      await dialog.getByRole('combobox', { name: 'Until' }).selectOption('30 days from now');
      await dialog.getByRole('button', { name: 'Renew' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByText('1 ended, renewed or taken back').click();
      await page.getByText('renewed', { exact: true }).waitFor();
      expect(await page.getByRole('button', { name: /^Renew: / }).count()).toBe(1);
    });

    test('Ana passes it on to Cem, within what Ben allows her', async () => {
      const { page } = ana;
      await ana.go('Lending');
      await page.getByRole('tab', { name: 'I borrow' }).click();
      await page.getByRole('button', { name: 'Pass on bench of Ben…' }).click();
      const dialog = page.getByRole('dialog', { name: 'Pass on bench of Ben' });
      // Not to Ben, whose it is.
      expect(await dialog.getByRole('combobox', { name: 'To whom' }).locator('option').allTextContents()).toEqual([
        'Cem',
      ]);
      const calls = dialog.getByRole('textbox', { name: 'Runs an hour' });
      await calls.fill('21');
      await dialog.getByText('At most 20.').waitFor();
      expect(await dialog.getByRole('button', { name: 'Pass it on' }).isDisabled()).toBe(true);
      await calls.fill('5');
      await dialog.getByRole('button', { name: 'Pass it on' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByRole('tab', { name: 'I lend' }).click();
      const row = page.getByRole('listitem').filter({ hasText: PASSED });
      await row.getByText('You passed this on. The engine is Ben’s.').waitFor();
      await row.getByText('Details').click();
      expect(await words(row.locator('ol'))).toMatch(/may use bench.*Cem may use bench/);
    });

    test('Cem may use it then, though Ben does not know him', async () => {
      cem = await at.person();
      await cem.enter(cems.link);
      await cem.go('Lending');
      await cem.page.getByRole('tab', { name: 'I borrow' }).click();
      await cem.page.getByText(/this node may use bench of .* for the component set · 5 calls\/h/).waitFor();
    });

    test('what she takes back ends for Cem, not for her', async () => {
      const { page } = ana;
      await page.getByRole('button', { name: /^Take back: Cem may use bench of Ben/ }).click();
      const dialog = page.getByRole('dialog', { name: 'Take it back from Cem?' });
      await dialog.getByText(/What you may use yourself stays\./).waitFor();
      await dialog.getByRole('button', { name: 'Take back' }).click();
      await page.getByText('1 ended, renewed or taken back').waitFor();
      await cem.page.getByText('1 ended, renewed or taken back').waitFor();
      await page.getByRole('tab', { name: 'I borrow' }).click();
      await page.getByText(HELD).first().waitFor();
    });

    test('to what Ben does not want he says no, and it is put away', async () => {
      await ana.page.getByRole('button', { name: 'Ask a friend for something' }).click();
      const dialog = ana.page.getByRole('dialog', { name: 'Ask a friend for something' });
      await dialog.getByRole('combobox', { name: 'Whom' }).selectOption('Ben');
      await dialog.getByRole('combobox', { name: 'For what' }).selectOption('something else');
      await dialog.getByRole('textbox', { name: 'A note' }).fill('Your printer?');
      await dialog.getByRole('button', { name: 'Ask', exact: true }).click();
      await dialog.getByText(/^Ben’s node has it\./).waitFor();
      await ana.page.keyboard.press('Escape');
      await ben.page.getByText('Ana would like to use something of yours').waitFor();
      await ben.page.getByText('Your printer?').waitFor();
      await ben.page.getByRole('button', { name: /^No: Ana would like to use something/ }).click();
      await ben.page.getByText('What friends ask for').waitFor({ state: 'detached' });
      expect(await (await bens.api()).ask('GET', '/requests')).toEqual([]);
    });

    test('whose node it is can be read; the key is made in a terminal only, and friends see the name', async () => {
      const { page } = ben;
      await ben.go('Friends');
      await page.getByText('This node belongs to nobody yet.').waitFor();
      await page.getByRole('button', { name: 'Copy flowork person create --name NAME' }).waitFor();
      await bens.terminal('person', 'create', '--name', 'Ben Okri', '--node-name', 'attic');
      await page.getByText('Ben Okri · 1 node').waitFor();
      await page.getByText(/^yours until /).waitFor();
      await ana.go('Friends');
      await ana.page.getByText('a node of Ben Okri').waitFor();
    });
  },
  'on',
);
