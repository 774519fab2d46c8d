import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const storage = () => {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
};

/** A page at gui.example, loaded with this search. */
async function load(search: string) {
  vi.resetModules();
  vi.stubGlobal('location', { origin: 'https://gui.example', search });
  const [session, node] = await Promise.all([import('./session'), import('./node-address')]);
  return { ...session, ...node };
}
const newTab = () => vi.stubGlobal('sessionStorage', storage());
const signedIn = { kind: 'bearer', secret: 's3cret', source: 'login' } as const;

beforeEach(() => {
  vi.stubGlobal('localStorage', storage());
  newTab();
});
afterEach(() => vi.unstubAllGlobals());

test('a session outlives a reload of its tab', async () => {
  (await load('?node=https://a.example')).setSession(signedIn);
  expect((await load('')).currentSession()).toMatchObject(signedIn);
});

test('a link to the page with another node does not carry the session there', async () => {
  (await load('?node=https://a.example')).setSession(signedIn);
  const there = await load('?node=https://b.example');
  expect(there.nodeAddress()).toBe('https://b.example');
  expect(there.currentSession()).toEqual({ kind: 'none', why: 'first' });
  expect(there.authorise(new Headers())).toBeUndefined();
});

test('a new tab asks the node where somebody was signed in, and no other', async () => {
  (await load('?node=https://a.example')).setSession(signedIn);
  newTab();
  expect((await load('?node=https://never.example')).nodeAddress()).toBe('https://never.example');
  newTab();
  expect((await load('')).nodeAddress()).toBe('https://a.example');
  (await load('?node=https://gui.example')).setSession(signedIn);
  newTab();
  expect((await load('')).nodeAddress()).toBe('https://gui.example');
});

test('who left a node stays out there after a reload', async () => {
  (await load('?node=https://a.example')).setSession({ kind: 'none', why: 'left' });
  expect((await load('')).currentSession()).toEqual({ kind: 'none', why: 'left' });
});
