import { expect, test } from 'vitest';
import type { Person } from './support/browser';
import { Canvas } from './support/designer';
import { journey } from './support/journey';
import { draft, keep, row } from './support/presets';

const FIELD = { fields: { a: 1 } };
/** What a browser says about a node that is away. */
const AWAY =
  /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED|WebSocket|status of 50\d/;

journey('two edit one workflow', (at) => {
  let id: string;
  let one: Person;
  let two: Person;
  let first: Canvas;
  let second: Canvas;

  const names = async () =>
    Object.values((await draft(await at.node.api(), id)).steps ?? {})
      .map((step) => step.name)
      .sort();

  test('two tabs open it and see each other', async () => {
    id = await keep(
      await at.node.api(),
      row('shared', 'Shared', [
        { component: 'set', name: 'Alpha', config: FIELD },
        { component: 'set', name: 'Beta', config: FIELD },
      ]),
    );
    one = await at.person();
    await one.enter(at.node.link);
    await one.page.goto(`${at.node.url}/workflows/${id}`);
    two = await one.tab();
    await two.page.goto(`${at.node.url}/workflows/${id}`);
    first = new Canvas(one.page);
    second = new Canvas(two.page);
    for (const { page } of [one, two]) {
      await page
        .getByRole('list', { name: 'Who is here' })
        .getByRole('button', { name: /^Follow / })
        .waitFor();
    }
  });

  test('each sees what the other selects and edits', async () => {
    await first.rename('Alpha', 'Apple');
    await second.card('Apple').waitFor();
    await second.rename('Beta', 'Banana');
    await first.card('Banana').waitFor();
    await first.isSaved();
    await second.isSaved();
    expect(await names()).toEqual(['Apple', 'Banana']);
  });

  test('undo takes back the own edit only', async () => {
    await first.card('Apple').click();
    await one.page.keyboard.press('Control+z');
    await first.card('Alpha').waitFor();
    await second.card('Alpha').waitFor();
    await first.card('Banana').waitFor();
    await one.page.keyboard.press('Control+Shift+z');
    await second.card('Apple').waitFor();
    expect(await names()).toEqual(['Apple', 'Banana']);
  });

  test('while the node is away both say so and keep what is edited', async () => {
    one.watch.expect(AWAY);
    await at.node.halt();
    for (const { page } of [one, two]) await page.getByRole('status').getByText('Offline, kept here').waitFor();
    await first.rename('Apple', 'Cherry');
    await second.rename('Banana', 'Date');
  });

  test('when it is back they are live again and nothing is lost', async () => {
    await at.node.again();
    for (const canvas of [first, second]) {
      await canvas.isSaved();
      await canvas.card('Cherry').waitFor();
      await canvas.card('Date').waitFor();
    }
    await expect.poll(names).toEqual(['Cherry', 'Date']);
  });
});

type Session = { readonly id: string };

journey('a session is revoked in the middle of an edit', (at) => {
  let id: string;
  let ana: Person;
  let canvas: Canvas;

  /** Ends every session of people, as the owner of the machine may. */
  const revoke = async () => {
    const api = await at.node.api();
    const sessions = await api.ask<Session[]>('GET', '/sessions');
    for (const session of sessions) await api.ask('DELETE', `/sessions/${session.id}`);
  };

  test('a draft is kept when the session ends, and goes on after signing in again', async () => {
    const api = await at.node.api();
    id = await keep(api, row('mine', 'Mine', [{ component: 'set', name: 'Alpha', config: FIELD }]));
    ana = await at.person();
    canvas = new Canvas(ana.page);
    ana.watch.expect(/401|WebSocket/);
    await ana.enter(at.node.link);
    await ana.page.goto(`${at.node.url}/workflows/${id}`);
    await canvas.isSaved();
    await canvas.open('Alpha');
    const name = ana.page.getByRole('textbox', { name: 'Name of the step' });
    await name.fill('Half a na');
    await revoke();
    await ana.page.getByText('Somebody ended this session.', { exact: false }).waitFor();
    await ana.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await canvas.isSaved();
    await name.fill('Half a name, finished');
    await ana.page.keyboard.press('Tab');
    await canvas.card('Half a name, finished').waitFor();
    await canvas.isSaved();
    await expect.poll(async () => (await draft(api, id)).steps?.s1?.name).toBe('Half a name, finished');
  });

  test('what was edited without a connection arrives although the session ended meanwhile', async () => {
    const api = await at.node.api();
    const { page } = ana;
    ana.watch.expect(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK/);
    await page.context().setOffline(true);
    await page.getByRole('status').getByText('Offline, kept here').waitFor();
    await canvas.rename('Half', 'Written offline');
    await revoke();
    await page.context().setOffline(false);
    await page.getByText('Somebody ended this session.', { exact: false }).waitFor();
    expect((await draft(api, id)).steps?.s1?.name).toBe('Half a name, finished');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await canvas.isSaved();
    await canvas.card('Written offline').waitFor();
    await expect.poll(async () => (await draft(api, id)).steps?.s1?.name).toBe('Written offline');
  });
});
