import { Repo, type StorageAdapterInterface } from '@automerge/automerge-repo/slim';
import { beforeAll, expect, it } from 'vitest';
import { Drafts } from './drafts';
import { docOf } from './form';
import { PRESET } from './testing/editors';
import { wasmFromDisk } from './testing/wasm';
import type { PresetDoc } from './types';
import { loadWhole } from './whole-load';

beforeAll(wasmFromDisk);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it('documents come back from the storage with all that was edited, again and again', async () => {
  // Where there is no storage, all is kept in the tab.
  const drafts = new Drafts(() => {
    throw new Error('none');
  });
  const open = () => {
    const repo = new Repo({ storage: drafts });
    loadWhole(repo);
    return repo;
  };
  const first = open().create<PresetDoc>(docOf(PRESET));
  await wait(150);
  for (let round = 1; round <= 4; round += 1) {
    const handle = await open().find<PresetDoc>(first.url);
    expect(handle.doc().docs).toBe('x'.repeat(round - 1));
    handle.change((doc) => {
      doc.docs = 'x'.repeat(round);
    });
    await wait(150);
  }
});

it('what does not read counts as not here, so that others are asked', async () => {
  const storage: StorageAdapterInterface = {
    load: async () => undefined,
    loadRange: async (key) => (key[1] === 'snapshot' ? [{ key, data: new Uint8Array([1, 2, 3, 4]) }] : []),
    save: async () => {},
    remove: async () => {},
    removeRange: async () => {},
  };
  const repo = new Repo({ storage });
  loadWhole(repo);
  await expect(repo.find('automerge:2j9knpCseyhnK8izDmLpGP5WMdZQ' as never)).rejects.toThrow('is unavailable');
});
