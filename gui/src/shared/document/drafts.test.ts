import { Repo, type StorageAdapterInterface } from '@automerge/automerge-repo/slim';
import { beforeAll, describe, expect, it } from 'vitest';
import { Drafts } from './drafts';
import { wasmFromDisk } from './testing/wasm';

beforeAll(wasmFromDisk);

const never = new Promise<never>(() => {});
const broken = (load: () => Promise<undefined>, save: () => Promise<void>): StorageAdapterInterface => ({
  load,
  save,
  loadRange: async () => [],
  remove: async () => {},
  removeRange: async () => {},
});

describe('documents in a browser', () => {
  it.each([
    [
      'that has no storage',
      () => {
        throw new Error('no indexedDB');
      },
    ],
    [
      'that refuses to open it',
      () =>
        broken(
          () => Promise.reject(new Error('denied')),
          () => never,
        ),
    ],
    [
      'that never opens it',
      () =>
        broken(
          () => never,
          () => never,
        ),
    ],
  ] as const)('%s are kept in the tab, and that is said', async (_, open) => {
    const drafts = new Drafts(open, 20);
    const repo = new Repo({ storage: drafts });
    const handle = repo.create({ a: 1 });
    await repo.flush([handle.documentId]);
    expect(drafts.isKept()).toBe(false);
    const again = await new Repo({ storage: drafts }).find(handle.url);
    expect(again.doc()).toEqual({ a: 1 });
  });

  it('are not kept while the disk is full, and are again afterwards', async () => {
    let isFull = true;
    const save = () => (isFull ? Promise.reject(new Error('full')) : Promise.resolve());
    const drafts = new Drafts(() => broken(async () => undefined, save));
    await expect(drafts.save(['a'], new Uint8Array())).rejects.toThrow('full');
    expect(drafts.isKept()).toBe(false);
    isFull = false;
    await drafts.save(['a'], new Uint8Array());
    expect(drafts.isKept()).toBe(true);
  });
});
