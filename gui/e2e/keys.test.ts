import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Person, WIDE } from './support/browser';
import { journey } from './support/journey';

type Session = { readonly id: string };
type Key = { readonly id: string };

/** What a browser says about a session that is over. */
const OUT = /40[13]/;

journey('keys, links and sessions', (at) => {
  let ana: Person;
  let ben: Person;

  const sessions = async () => (await at.node.api()).ask<Session[]>('GET', '/sessions');
  const keys = async () => (await at.node.api()).ask<Key[]>('GET', '/login/keys');
  const signedOut = (person: Person) => person.page.getByRole('button', { name: 'Sign in', exact: true });

  test('a link that is not one of the node’s says what to do', async () => {
    const eve = await at.person();
    eve.watch.expect(OUT);
    await eve.page.goto(`${at.node.url}/#login=${'0'.repeat(64)}`);
    const alert = eve.page.getByRole('alert');
    await alert.getByText('flowork login-link', { exact: true }).last().waitFor();
    await alert.getByRole('button', { name: 'Copy the command' }).click();
    expect(await eve.page.evaluate(() => navigator.clipboard.readText())).toBe('flowork login-link');
    await eve.page.context().close();
  });

  test('a browser that is not known is told how to get in', async () => {
    const eve = await at.person();
    eve.watch.expect(OUT);
    await eve.page.goto(at.node.url);
    await eve.page.getByText('This browser is not known here yet').waitFor();
    await eve.page.context().close();
  });

  test('a reload and a new tab are in by the key, without a link', async () => {
    ana = await at.person();
    ana.watch.expect(OUT);
    await ana.enter(at.node.link);
    await ana.page.reload();
    await ana.page.getByRole('navigation', { name: 'Main' }).waitFor();
    const tab = await ana.tab();
    await tab.page.goto(`${at.node.url}/settings`);
    await tab.page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await tab.page.close();
  });

  test('the key cannot be read by scripts', async () => {
    const readable = await ana.page.evaluate(async () => {
      const open = (name: string) =>
        new Promise<IDBDatabase>((resolve, reject) => {
          const asked = indexedDB.open(name);
          asked.onsuccess = () => resolve(asked.result);
          asked.onerror = () => reject(asked.error);
        });
      const found: boolean[] = [];
      for (const { name } of await indexedDB.databases()) {
        const base = await open(name ?? '');
        for (const store of base.objectStoreNames) {
          const all = await new Promise<unknown[]>((resolve) => {
            const asked = base.transaction(store).objectStore(store).getAll();
            asked.onsuccess = () => resolve(asked.result);
          });
          const seen = (value: unknown): void => {
            if (value instanceof CryptoKey && value.type === 'private') found.push(value.extractable);
            else if (value && typeof value === 'object') Object.values(value).forEach(seen);
          };
          all.forEach(seen);
        }
        base.close();
      }
      return found;
    });
    expect(readable).toEqual([false]);
  });

  test('a second browser is enrolled by a link that is made in the settings', async () => {
    const { page } = ana;
    await ana.go('Settings');
    await page.getByRole('button', { name: 'Log in another browser' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Make the link' }).click();
    await dialog.getByRole('button', { name: 'Copy the login link' }).click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toMatch(/#login=\w+$/);
    await page.keyboard.press('Escape');
    ben = await at.person({
      ...WIDE,
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    });
    ben.watch.expect(OUT);
    await ben.enter(`${at.node.url}/${link.slice(link.indexOf('#'))}`);
    expect((await keys()).length).toBe(2);
  });

  test('sessions are listed, and one that is ended stops at once', async () => {
    const { page } = ana;
    const before = (await sessions()).length;
    await page.getByRole('button', { name: /^End the session of Firefox/ }).click();
    await ben.page.getByText('Somebody ended this session.', { exact: false }).waitFor();
    await page.getByRole('button', { name: /^End the session of Firefox/ }).waitFor({ state: 'detached' });
    expect((await sessions()).length).toBe(before - 1);
    await signedOut(ben).click();
    await ben.page.getByRole('navigation', { name: 'Main' }).waitFor();
  });

  test('a browser that is removed cannot sign in any more', async () => {
    const { page } = ana;
    await page.getByRole('button', { name: /^Remove the browser Firefox/ }).click();
    await page.getByRole('dialog').or(page.getByRole('alertdialog')).getByRole('button', { name: 'Remove' }).click();
    await signedOut(ben).click();
    await ben.page.getByText('flowork login-link', { exact: true }).last().waitFor();
    expect((await keys()).length).toBe(1);
  });

  test('signing out ends the session', async () => {
    const { page } = ana;
    const secret = await page.evaluate(() => JSON.stringify(sessionStorage));
    const before = (await sessions()).length;
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByText('You are signed out.').waitFor();
    await expect.poll(async () => (await sessions()).length).toBe(before - 1);
    const bearer = /"secret\\?":\\?"([^"\\]+)/.exec(secret)?.[1];
    const answer = await fetch(`${at.node.url}/api/v1/node`, { headers: { authorization: `Bearer ${bearer}` } });
    expect(answer.status).toBe(401);
    await page.reload();
    await signedOut(ana).or(page.getByText('You are signed out.')).first().waitFor();
  });

  test('a pasted private key lets in', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const token = new URL(await at.node.anotherLink()).hash.replace('#login=', '');
    const enrolled = await fetch(`${at.node.url}/api/v1/login/enrol`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, public_key: publicKey.export({ format: 'jwk' }).x, label: 'a key on paper' }),
    });
    expect(enrolled.status).toBe(201);
    const cy = await at.person();
    cy.watch.expect(OUT);
    await cy.page.goto(at.node.url);
    await cy.page.getByText('Use a private key instead').click();
    await cy.page.getByLabel('Private key').fill('not a key');
    await cy.page.getByText('This is no ed25519 private key.').waitFor();
    await cy.page.getByLabel('Private key').fill(privateKey.export({ format: 'jwk' }).d ?? '');
    await cy.page.getByRole('button', { name: 'Sign in with it' }).click();
    await cy.page.getByRole('navigation', { name: 'Main' }).waitFor();
  });
});
