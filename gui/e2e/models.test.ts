//! A model of one's own machine is lent; a friend asks it in a workflow, and both see what was read and written.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from './support/browser';
import { Canvas } from './support/designer';
import { befriend } from './support/friends';
import { journey } from './support/journey';
import { lookAt, ModelServer, TOKENS } from './support/model-server';
import { TestNode } from './support/node';

journey(
  'models',
  (at) => {
    let bens: TestNode;
    let models: ModelServer;
    let ana: Person;
    let ben: Person;
    const step = 'Ask gpu of Ben';
    const place = () => models.url.replace('http://', '');

    beforeAll(async () => {
      models = await ModelServer.start(['tiny-1', 'tiny-2'], ['The sea ', 'is calm.']);
      bens = await TestNode.start('on');
      await befriend(await at.node.api(), await bens.api(), { first: 'Ana', second: 'Ben' });
    });
    afterAll(async () => {
      await models?.stop();
      await bens?.stop();
    });

    test('Ben lends a model: where nothing answers is said, and where one does its models can be chosen', async () => {
      ben = await at.person();
      // A model server that is not there, and one that may not be lent.
      ben.watch.expect(/404|422/);
      const { page } = ben;
      await ben.enter(bens.link);
      await ben.go('Lending');
      await page.getByRole('button', { name: 'Lend something' }).click();
      const dialog = page.getByRole('dialog', { name: 'Lend something' });
      await dialog.getByText('A model on this machine').click();
      await lookAt(dialog, '127.0.0.1:1');
      await dialog
        .getByRole('alert')
        .getByText(/^no model server answers at http:\/\/127\.0\.0\.1:1/)
        .waitFor();
      await lookAt(dialog, 'http://192.0.2.7:11434');
      await dialog
        .getByRole('alert')
        .getByText(/is not on this machine/)
        .waitFor();
      await lookAt(dialog, place());
      const model = dialog.getByRole('combobox', { name: 'Model' });
      await model.selectOption('tiny-2');
      const engine = dialog.getByRole('combobox', { name: 'Engine' });
      expect(await engine.inputValue()).toBe('tiny-2');
      await engine.fill('gpu');
      await dialog.getByRole('button', { name: 'Lend it' }).click();
      await page.getByText(`Model tiny-2 · model server at ${place()}`).waitFor();
      await page.getByText('0 of 2 running now').waitFor();
    });

    test('another model under the same name takes its place, and that is said before', async () => {
      const { page } = ben;
      await page.getByRole('button', { name: 'Lend something' }).click();
      const dialog = page.getByRole('dialog', { name: 'Lend something' });
      await dialog.getByText('A model on this machine').click();
      await lookAt(dialog, models.url);
      await dialog.getByRole('combobox', { name: 'Model' }).selectOption('tiny-1');
      await dialog.getByRole('combobox', { name: 'Engine' }).fill('gpu');
      await dialog.getByText('“gpu” lends the model tiny-2 already: this one takes its place.').waitFor();
      await dialog.getByRole('button', { name: 'Lend it' }).click();
      await page.getByText(`Model tiny-1 · model server at ${place()}`).waitFor();
    });

    test('he lets Ana ask it, so many tokens a day', async () => {
      const { page } = ben;
      await page.getByRole('button', { name: 'Let somebody use it' }).click();
      const dialog = page.getByRole('dialog', { name: 'Let somebody use it' });
      expect(await dialog.getByRole('checkbox', { name: 'ask its model, tiny-1' }).isChecked()).toBe(true);
      await dialog.getByRole('textbox', { name: 'Tokens a day' }).fill('2000');
      await dialog.getByText(/^Ana may use gpu for chat with its model · .* · 2,000 tokens a day · until /).waitFor();
      await dialog.getByRole('button', { name: 'Let them use it' }).click();
      await page.getByText('holds now').waitFor();
      await page.getByRole('combobox', { name: 'use', exact: true }).selectOption('Model tiny-1 · gpu');
      await page.getByRole('button', { name: 'Ask', exact: true }).click();
      await page.getByText('Ana could do it now.').waitFor();
    });

    test('Ana asks it in a workflow: Ben’s model answers', async () => {
      ana = await at.person();
      const { page } = ana;
      await ana.enter(at.node.link);
      await ana.go('Lending');
      await page.getByRole('tab', { name: 'I borrow' }).click();
      await page.getByText(/this node may use gpu of Ben for chat/).waitFor();
      await page.getByRole('button', { name: 'Ask gpu in a workflow' }).click();
      const canvas = new Canvas(page);
      await canvas.card(step).waitFor();
      await canvas.isSaved();
      const panel = await canvas.open(step);
      expect(await panel.getByRole('combobox', { name: 'Friend' }).inputValue()).toBe('Ben');
      expect(await panel.getByRole('combobox', { name: 'Engine' }).inputValue()).toBe('gpu');
      const question = panel.getByRole('textbox', { name: 'Question' });
      await question.click();
      await page.keyboard.press('Control+a');
      await page.keyboard.type('How is the sea?');
      await canvas.isSaved();
      await canvas.run();
      await canvas.card(step).filter({ hasText: 'succeeded' }).waitFor();
      await panel.getByRole('tab', { name: 'Data' }).click();
      await panel.getByText('The sea is calm.').first().waitFor();
      expect(models.asked.map(({ model, messages }) => [model, messages.at(-1)?.content])).toEqual([
        ['tiny-1', 'How is the sea?'],
      ]);
    });

    test('both see what was read and written', async () => {
      const used = `${TOKENS.read} tokens read, ${TOKENS.written} written`;
      await ana.go('Receipts');
      await ana.page.getByText('A model was asked at Ben’s for you').waitFor();
      await ana.page.getByText(used).waitFor();
      await ben.go('Receipts');
      await ben.page.getByText('A model was asked here for Ana').waitFor();
      await ben.page.getByRole('tab', { name: 'By month' }).click();
      await ben.page.getByText(used).waitFor();
      await ben.go('Lending');
      const meter = ben.page.getByRole('meter', { name: 'Tokens today' });
      await meter.waitFor();
      expect(await meter.getAttribute('aria-valuetext')).toBe(`${TOKENS.read + TOKENS.written} of 2,000`);
    });

    test('where the server is gone, the engine says so', async () => {
      await models.stop();
      await ben.go('Receipts');
      await ben.go('Lending');
      await ben.page.getByText('Nothing answers there now.').waitFor();
    });
  },
  'on',
);
