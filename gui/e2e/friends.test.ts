//! Two people, each with a node of their own: they become friends, one lends, the other borrows, until it is taken back.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from './support/browser';
import { words } from './support/browser';
import { Canvas } from './support/designer';
import { journey } from './support/journey';
import { binary, TestNode } from './support/node';
import { keep, row } from './support/presets';

/** What Ben lends: it marks each item with who made it. */
const report = row('monthly-report', 'Monthly report', [
  { component: 'set', name: 'Mark', config: { fields: { made_by: 'Ben' } } },
]);

const HOUR_MS = 3_600_000;

/** What a clock on the wall shows in so many hours. */
function timeIn(hours: number): string {
  const at = new Date(Date.now() + hours * HOUR_MS);
  return [at.getHours(), at.getMinutes()].map((it) => String(it).padStart(2, '0')).join(':');
}

journey(
  'friends',
  (at) => {
    let bens: TestNode;
    let ana: Person;
    let ben: Person;
    let link: string;

    beforeAll(async () => {
      bens = await TestNode.start('on');
      await keep(await bens.api(), report);
    });
    afterAll(() => bens?.stop());

    test('Ana’s page says from where her node can be reached; she names it and lets friends be reached through it', async () => {
      ana = await at.person();
      // What talks to other nodes starts again for each change, and is asked meanwhile.
      ana.watch.expect(/503/);
      const { page } = ana;
      await ana.enter(at.node.link);
      await ana.go('Friends');
      await page.getByText(/this node can be reached from this very machine only/).waitFor();
      await page.getByText('How others reach this node').click();
      await page.getByRole('button', { name: /^Copy \/ip4\/127\.0\.0\.1\/tcp\/\d+$/ }).click();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/);
      const name = page.getByRole('textbox', { name: 'Name of this node' });
      await name.fill('\u200b');
      await page.getByText(/nothing invisible/).waitFor();
      expect(await page.getByRole('button', { name: 'Rename' }).isDisabled()).toBe(true);
      await name.fill('Ana’s desk');
      await page.keyboard.press('Enter');
      await page.getByText(/It counts in a moment/).waitFor();
      expect(await name.inputValue()).toBe('Ana’s desk');
      await page.getByText('It counts now.').waitFor();
      await page.getByText('Ana’s desk', { exact: true }).waitFor();
      const relay = page.getByRole('switch', { name: 'Let friends be reached through this node' });
      expect(await relay.isChecked()).toBe(false);
      await relay.click();
      await page.getByText(/It counts in a moment/).waitFor();
      await page.getByText(/It passes on for its friends/).waitFor();
      await page.getByText('It counts now.').waitFor();
      expect(await relay.isChecked()).toBe(true);
      const status = await (await at.node.api()).ask<{ name: string; is_relay: boolean }>('GET', '/mesh');
      expect(status).toMatchObject({ name: 'Ana’s desk', is_relay: true });
    });

    test('Ana invites Ben: a link, a picture of it, from where it works and until when', async () => {
      const { page } = ana;
      await page.getByText('No friends yet').waitFor();
      await page.getByRole('button', { name: 'Invite a friend' }).click();
      await page.getByRole('textbox', { name: 'What will you call them?' }).fill('Ben');
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog', { name: 'Invite a friend' });
      await dialog.getByRole('img', { name: 'The invitation for a camera' }).waitFor();
      expect(await words(dialog)).toMatch(/from this very machine only/);
      expect(await words(dialog)).toMatch(/Pair with a relay.*ask the router.*Let your friend invite you/);
      expect(await words(dialog)).toMatch(/Works once, until \d\d:\d\d/);
      await dialog.getByRole('button', { name: 'Copy the invitation' }).click();
      await dialog.getByText('copied').waitFor();
      link = await page.evaluate(() => navigator.clipboard.readText());
      expect(link).toMatch(/^flowork:\/\/join\/[\w-]+$/);
    });

    test('a torn link is refused with what to do; the whole one says who it is before anything is sent', async () => {
      ben = await at.person();
      ben.watch.expect(/422/);
      const { page } = ben;
      await ben.enter(bens.link);
      await ben.go('Friends');
      await page.getByRole('button', { name: 'I have an invitation' }).click();
      const dialog = page.getByRole('dialog', { name: 'I have an invitation' });
      const field = dialog.getByRole('textbox', { name: 'The link that you were sent' });
      await field.fill(link.slice(0, -3));
      await page.keyboard.press('Enter');
      await dialog.getByRole('alert').getByText('This is not a whole invitation.').waitFor();
      await field.fill(`Here it is: ${link}`);
      await page.keyboard.press('Enter');
      await dialog.getByText(/^Ana’s desk invites you\. Only their word/).waitFor();
      expect(await (await bens.api()).ask('GET', '/peers')).toEqual([]);
      await dialog.getByRole('textbox', { name: 'What will you call them?' }).fill('Ana');
      await dialog.getByRole('button', { name: 'Join', exact: true }).click();
      await dialog.getByText('Ana and this node are friends now.').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).last().click();
      await page.getByText('direct', { exact: true }).waitFor();
      await page.getByText(/^[\d.]+ ms$/).waitFor();
      await page.getByText('This node is reached through Ana.').waitFor();
    });

    test('the one who invited sees the friend come, and the invitation is used', async () => {
      const { page } = ana;
      const dialog = page.getByRole('dialog', { name: 'Invite a friend' });
      await dialog.getByText('Ben has joined. You are friends now.').waitFor();
      await page.keyboard.press('Escape');
      await page.getByText('direct', { exact: true }).waitFor();
      await page.getByText(/^[\d.]+ ms$/).waitFor();
      await page.getByText('No invitation is open: nobody can come in.').waitFor();
      await page.getByText('1 used or ended').waitFor();
    });

    test('Ben lends a workflow and lets Ana use it; the sentence follows what is typed', async () => {
      const { page } = ben;
      await ben.go('Lending');
      await page.getByText('You lend nothing').waitFor();
      await page.getByRole('button', { name: 'Lend something' }).click();
      const lend = page.getByRole('dialog', { name: 'Lend something' });
      await lend.getByRole('combobox', { name: 'Workflow' }).selectOption('Monthly report');
      await lend.getByRole('combobox', { name: 'Engine' }).fill('workshop');
      await lend.getByRole('button', { name: 'Lend it' }).click();
      await page.getByText('0 of 2 running now').waitFor();

      await page.getByRole('button', { name: 'Ask' }).click();
      await page.getByText('Ana could not do it now.').waitFor();

      await page.getByRole('button', { name: 'Let somebody use it' }).click();
      const let_ = page.getByRole('dialog', { name: 'Let somebody use it' });
      await let_.getByRole('textbox', { name: 'Runs an hour' }).fill('3');
      await let_
        .getByText(/^Ana may use workshop for monthly-report · at most 3 runs an hour · 1 at once · until /)
        .waitFor();
      await let_.getByRole('textbox', { name: 'MiB a day' }).fill('many');
      await let_.getByText('A whole number of at least one.').waitFor();
      expect(await let_.getByRole('button', { name: 'Let them use it' }).isDisabled()).toBe(true);
      await let_.getByRole('textbox', { name: 'MiB a day' }).fill('5');
      await let_.getByRole('button', { name: 'Let them use it' }).click();
      await page.getByText(/^Ana may use workshop for monthly-report · 3 calls\/h/).waitFor();
      await page.getByText('holds now').waitFor();

      await page.getByRole('button', { name: 'Ask' }).click();
      await page.getByText('Ana could do it now.').waitFor();
    });

    test('Ana uses it in a workflow: what Ben’s machine made comes back', async () => {
      const { page } = ana;
      await ana.go('Lending');
      await page.getByRole('tab', { name: 'I borrow' }).click();
      await page.getByText(/this node may use workshop of Ben for monthly-report/).waitFor();
      await page.getByRole('button', { name: 'Use monthly-report in a workflow' }).click();
      const canvas = new Canvas(page);
      const step = 'monthly-report at Ben';
      await canvas.card(step).waitFor();
      await canvas.isSaved();
      await canvas.run();
      await canvas.card(step).filter({ hasText: 'succeeded' }).waitFor();
      const panel = await canvas.open(step);
      await panel.getByRole('tab', { name: 'Data' }).click();
      await panel.getByText('made_by').first().waitFor();
      await panel.getByText('Ben', { exact: true }).first().waitFor();
    });

    test('both have the receipt, and the meters say what is used', async () => {
      await ana.go('Receipts');
      await ana.page.getByText('monthly-report ran at Ben’s for you').waitFor();
      await ben.go('Receipts');
      await ben.page.getByText('monthly-report ran here for Ana').waitFor();
      await ben.page.getByRole('tab', { name: 'By month' }).click();
      await ben.page.getByText('For Ana').waitFor();
      await ben.page.getByText('1 run', { exact: true }).waitFor();
      await ben.go('Lending');
      await ben.page.getByText('This hour 1 of 3').waitFor();
      expect(await ben.page.getByRole('meter', { name: 'This hour' }).getAttribute('aria-valuetext')).toBe('1 of 3');
    });

    test('the receipts can be kept as a file, which anybody can check', async () => {
      const { page } = ana;
      const begun = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Export' }).click();
      const file = await begun;
      expect(file.suggestedFilename()).toMatch(/^receipts-[\d-]+\.jsonl$/);
      const path = await file.path();
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
      expect(lines.length).toBe((await (await at.node.api()).ask<unknown[]>('GET', '/receipts')).length);
      for (const line of lines)
        expect(JSON.parse(line)).toMatchObject({ signed: expect.any(String), countersignature: expect.any(String) });
      await promisify(execFile)(binary(), ['receipts', 'verify', path]);
    });

    test('what Ana borrows says how it went of late', async () => {
      const { page } = ana;
      await ana.go('Lending');
      await page.getByRole('tab', { name: 'I borrow' }).click();
      await page.getByText(/^Lately 1 call, 0 failed; half of them took no more than /).waitFor();
    });

    test('paused, nothing is taken; once it goes on, it is', async () => {
      const { page } = ben;
      const all = page.getByRole('switch', { name: 'Lending', exact: true });
      await all.click();
      await page.getByText('All lending is paused').first().waitFor();
      await page.getByRole('button', { name: 'Ask' }).click();
      await page.getByText('Ana could not do it now.').waitFor();
      await all.click();
      await page.getByText('Lending is on').waitFor();
    });

    test('Ben says at which hours it is lent; outside of them it says until when it is not', async () => {
      const { page } = ben;
      const [from, to] = [timeIn(2), timeIn(3)];
      await page.getByRole('button', { name: 'When workshop is lent' }).click();
      const dialog = page.getByRole('dialog', { name: 'When is “workshop” lent?' });
      const save = dialog.getByRole('button', { name: 'Save' });
      expect(await dialog.getByRole('radio', { name: 'At any time' }).isChecked()).toBe(true);
      await dialog.getByText('At some hours').click();
      await dialog.getByLabel('From', { exact: true }).fill(from);
      await dialog.getByLabel('Until', { exact: true }).fill(from);
      await dialog.getByRole('alert').getByText('is no time at all').waitFor();
      expect(await save.isDisabled()).toBe(true);
      await dialog.getByLabel('Until', { exact: true }).fill(to);
      const program = dialog.getByRole('textbox', { name: 'Program' });
      await program.fill('/usr/bin/blender');
      await dialog.getByText('Only the name of its file, without the folder.').waitFor();
      expect(await save.isDisabled()).toBe(true);
      for (const name of ['steam', 'blender']) {
        await program.fill(name);
        await page.keyboard.press('Enter');
      }
      await dialog.getByRole('button', { name: 'Remove steam' }).click();
      await save.click();
      await dialog.waitFor({ state: 'hidden' });
      await page.getByText(`From ${from} to ${to} · not while blender runs`).waitFor();
      await page.getByText(`Takes no runs until ${from}`).waitFor();
      await page.getByRole('button', { name: 'Ask' }).click();
      await page.getByText('Ana could not do it now.').waitFor();
    });

    test('while a program runs that he named it is not lent, and then at any time again', async () => {
      const { page } = ben;
      const own = basename(binary());
      const open = page.getByRole('button', { name: 'When workshop is lent' });
      const dialog = page.getByRole('dialog', { name: 'When is “workshop” lent?' });
      await open.click();
      await dialog.getByText('At any time').click();
      await dialog.getByRole('button', { name: 'Remove blender' }).click();
      // It is not lost when it was only typed.
      await dialog.getByRole('textbox', { name: 'Program' }).fill(own);
      await dialog.getByRole('button', { name: 'Save' }).click();
      await page.getByText(`Not while ${own} runs`).waitFor();
      await page.getByText(`Takes no runs while ${own} runs`).waitFor();
      await open.click();
      await dialog.getByRole('button', { name: `Remove ${own}` }).click();
      await dialog.getByRole('button', { name: 'Save' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await page.getByText('Takes no runs').waitFor({ state: 'hidden' });
      expect(await page.getByText('Not while').count()).toBe(0);
      const [engine] = await (await bens.api()).ask<{ policy: object; held: unknown }[]>('GET', '/engines');
      expect(engine).toMatchObject({ policy: { hours: null, not_while: [] }, held: null });
    });

    test('what is taken back can be used no more, and the run says so', async () => {
      const { page } = ben;
      await page.getByRole('button', { name: /^Take back: Ana may use workshop/ }).click();
      const dialog = page.getByRole('dialog', { name: 'Take it back from Ana?' });
      await dialog.getByRole('button', { name: 'Take back' }).click();
      await page.getByText('1 ended, renewed or taken back').waitFor();

      await ana.page.goto(`${at.node.url}/workflows/monthly-report-at-ben`);
      const canvas = new Canvas(ana.page);
      const step = 'monthly-report at Ben';
      await canvas.card(step).waitFor();
      await canvas.isSaved();
      await ana.page.getByRole('button', { name: 'Run', exact: true }).first().click();
      const why = /there is no grant to do `?run:monthly-report`? at Ben|taken back/;
      await canvas.card(step).filter({ hasText: why }).waitFor();
      const panel = await canvas.open(step);
      await panel.getByRole('note').getByText(why).first().waitFor();
    });

    test('what both decided can be read, and a friend can be removed', async () => {
      await ben.go('Receipts');
      await ben.page.getByRole('tab', { name: 'Decisions' }).click();
      const said = ['Became friends', 'Lent', 'Given', 'Paused', 'Resumed', 'Lending times', 'Taken back'];
      for (const word of said) await ben.page.getByText(word, { exact: true }).first().waitFor();
      await ben.go('Friends');
      await ben.page.getByRole('button', { name: 'More about Ana' }).click();
      await ben.page.getByRole('menuitem', { name: 'Remove' }).click();
      const dialog = ben.page.getByRole('dialog', { name: 'Remove Ana?' });
      await dialog.getByText('They may use nothing of yours.').waitFor();
      await dialog.getByRole('button', { name: 'Remove' }).click();
      await ben.page.getByText('No friends yet').waitFor();
      await ana.go('Friends');
      await ana.page.getByText('Ben has removed this node from their friends.').waitFor();
    });
  },
  'on',
);
