//! The same page hosted on another server, pointed at the node by `?node=`.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from './support/browser';
import { Canvas } from './support/designer';
import { journey } from './support/journey';
import { keep, row } from './support/presets';

const address = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const listening = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

journey('a page hosted elsewhere', (at) => {
  let ana: Person;
  let site: Server;
  let trap: Server;
  /** What was sent to a node that a link names. */
  const sent: string[] = [];

  beforeAll(async () => {
    // The page's files, without the node's policy: it allows the node's own origin only.
    site = createServer(async (request, answer) => {
      const file = await fetch(`${at.node.url}${request.url}`);
      answer.setHeader('content-type', file.headers.get('content-type') ?? '');
      answer.end(new Uint8Array(await file.arrayBuffer()));
    });
    trap = createServer((request, answer) => {
      sent.push(String(request.headers.authorization ?? ''));
      answer.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', '*').end('{}');
    });
    await Promise.all([listening(site), listening(trap)]);
  });
  afterAll(() => {
    site.close();
    trap.close();
  });

  /** The link into the node, on the page elsewhere. */
  const link = async (): Promise<string> => {
    const token = new URL(await at.node.anotherLink()).hash;
    return `${address(site)}/?node=${encodeURIComponent((await at.node.api()).address)}${token}`;
  };

  test('is not answered by a node that does not allow it, and says where that is allowed', async () => {
    ana = await at.person();
    ana.watch.expect(/CORS|Failed to load resource/);
    await ana.page.goto(await link());
    await ana.page.getByText(`add ${address(site)} on the node’s own page`).waitFor();
    await ana.page.close();
  });

  test('signs in once its address stands in the settings', async () => {
    const ben = await at.person();
    await ben.enter(at.node.link);
    await ben.go('Settings');
    await ben.page.getByLabel('Address of the page').fill(address(site));
    await ben.page.getByRole('button', { name: 'Allow', exact: true }).click();
    await ben.page.getByRole('button', { name: `Remove the page ${address(site)}` }).waitFor();
    ana = await at.person();
    await ana.enter(await link());
    expect(ana.page.url(), 'the token leaves the address').not.toContain('login');
  });

  test('edits and runs a workflow of the node', async () => {
    const id = await keep(
      await at.node.api(),
      row('afar', 'From afar', [{ component: 'set', name: 'Note', config: { fields: { a: 1 } } }]),
    );
    const canvas = new Canvas(ana.page);
    await ana.page.goto(`${address(site)}/workflows/${id}`);
    await canvas.card('Note').waitFor();
    await canvas.isSaved();
    await canvas.rename('Note', 'Noted');
    await canvas.isSaved();
    await canvas.run();
    await canvas.board.getByRole('button', { name: /^Noted succeeded/ }).waitFor();
  });

  test('asks the same node in a new tab', async () => {
    const tab = await ana.tab();
    await tab.page.goto(`${address(site)}/workflows`);
    await tab.page.getByText('From afar').waitFor();
    await tab.page.close();
  });

  test('carries no session to another node that a link names', async () => {
    ana.watch.expect(/.*/);
    await ana.page.goto(`${address(site)}/workflows?node=${encodeURIComponent(address(trap))}`);
    await ana.page.getByText('Use a private key instead').waitFor();
    await ana.page.waitForTimeout(1_000);
    expect(sent.filter((header) => header !== '')).toEqual([]);
  });
});
