import { generateAutomergeUrl } from '@automerge/automerge-repo/slim';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setText } from './edits/config';
import { docOf } from './form';
import { PRESET } from './testing/editors';
import { TestNode, until } from './testing/node';
import type { PresetDoc, PresetEditor } from './types';

const LABEL = 'common.close';
let node: TestNode;
let id: string;
const open: PresetEditor[] = [];

function tab(which = id) {
  const made = node.tab(which);
  open.push(made.editor);
  return made;
}

beforeEach(async () => {
  node = await TestNode.start(4819);
  id = node.repo.create<PresetDoc>(docOf(PRESET)).documentId;
});
afterEach(async () => {
  for (const editor of open.splice(0)) editor.close();
  await node.down();
});

describe('a document of the node', () => {
  it('opens, and is live when the node has said that it has our heads', async () => {
    const { editor } = tab();
    expect(editor.sync()).toBe('opening');
    expect(editor.canEdit()).toBe(false);
    await until(() => editor.sync() === 'live');
    node.hold();
    editor.apply(LABEL, setText(['title'], 'Later'));
    expect(editor.sync()).toBe('saving');
    const saved = editor.saved();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(editor.sync()).toBe('saving');
    await expect(editor.saved(10)).rejects.toThrow('has not got');
    node.letGo();
    expect(await saved).toEqual(editor.snapshot().heads);
    expect(editor.sync()).toBe('live');
  });

  it('is saved although somebody else edits on', async () => {
    const [ana, ben] = [tab().editor, tab().editor];
    await until(() => ana.sync() === 'live' && ben.sync() === 'live');
    ana.apply(LABEL, setText(['title'], 'Ana'));
    ben.apply(LABEL, setText(['docs'], 'Ben'));
    await Promise.all([ana.saved(), ben.saved()]);
    await until(() => ana.snapshot().preset.docs === 'Ben' && ben.snapshot().preset.title === 'Ana');
    await until(() => ana.sync() === 'live' && ben.sync() === 'live');
  });

  it('keeps what is edited while the node is away, and brings it there', async () => {
    const { editor } = tab();
    await until(() => editor.sync() === 'live');
    await node.down();
    await until(() => editor.sync() === 'offline');
    expect(editor.canEdit()).toBe(true);
    editor.apply(LABEL, setText(['title'], 'Alone'));
    expect(editor.sync()).toBe('offline');
    await node.up();
    await until(() => editor.sync() === 'live', 5_000);
    const handle = await node.repo.find<PresetDoc>(`automerge:${id}` as never);
    expect(handle.doc().title).toBe('Alone');
  }, 10_000);

  it('comes back at once when there is hope', async () => {
    const { editor, hope } = tab();
    await until(() => editor.sync() === 'live');
    await node.down();
    await until(() => editor.sync() === 'offline');
    await node.up();
    const before = Date.now();
    hope();
    await until(() => editor.sync() === 'live');
    expect(Date.now() - before).toBeLessThan(450);
  });

  it('is not called live while the connection is in doubt', async () => {
    const { editor, doubt } = tab();
    await until(() => editor.sync() === 'live');
    const { asked } = node;
    doubt();
    expect(editor.sync()).toBe('opening');
    await until(() => editor.sync() === 'live');
    expect(node.asked).toBe(asked + 1);
  });

  it('waits for a session that is over, keeps the draft, and offers it again', async () => {
    const { editor, session } = tab();
    await until(() => editor.sync() === 'live');
    node.isSignedIn = false;
    node.kick(4401);
    await until(() => editor.sync() === 'signed-out');
    editor.apply(LABEL, setText(['title'], 'Kept'));
    const { asked } = node;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(node.asked).toBe(asked);
    node.isSignedIn = true;
    session();
    await until(() => editor.sync() === 'live');
    const handle = await node.repo.find<PresetDoc>(`automerge:${id}` as never);
    expect(handle.doc().title).toBe('Kept');
  });

  it('takes no edits from who may not edit', async () => {
    node.mayEdit = false;
    const { editor } = tab();
    await until(() => editor.sync() === 'read-only');
    const { heads } = editor.snapshot();
    editor.apply(LABEL, setText(['title'], 'No'));
    expect(editor.snapshot().heads).toEqual(heads);
    expect(editor.undo()).toEqual({ done: false, kept: [] });
  });

  it('is gone when the node says that there is none, and not before', async () => {
    node.isSignedIn = false;
    const { editor, session } = tab(generateAutomergeUrl().slice('automerge:'.length));
    await until(() => editor.sync() === 'signed-out');
    node.isSignedIn = true;
    session();
    await until(() => editor.sync() === 'gone');
    const nonsense = tab('nonsense');
    await until(() => nonsense.editor.sync() === 'gone');
  });

  it('pauses longer from try to try', async () => {
    const { editor } = tab();
    await until(() => editor.sync() === 'live');
    await node.down();
    const { asked } = node;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    // Half of 0.5, 1, 2 s, as chance gives nothing here.
    expect(node.asked - asked).toBeGreaterThanOrEqual(2);
    expect(node.asked - asked).toBeLessThanOrEqual(4);
    await node.up();
  });
});

describe('presence', () => {
  it('shows what others do under the names that the node gives them, until they go', async () => {
    const [ana, ben] = [tab(), tab()];
    await until(() => ana.editor.sync() === 'live' && ben.editor.sync() === 'live');
    ana.editor.present({ selection: ['fetch'], cursor: { x: 1, y: 2 } });
    await until(() => ben.editor.peers()[0]?.selection[0] === 'fetch');
    expect(ben.editor.peers()).toEqual([
      {
        id: ana.repo.peerId,
        name: `${ana.repo.peerId} by name`,
        colour: expect.stringMatching(/^#[0-9a-f]{6}$/),
        selection: ['fetch'],
        cursor: { x: 1, y: 2 },
      },
    ]);
    expect(ben.editor.peers()).toBe(ben.editor.peers());
    await until(() => ana.editor.peers().length === 1);
    ana.editor.close();
    await until(() => ben.editor.peers().length === 0);
  });

  it('sends at most 20 messages a second, the newest last', async () => {
    const [ana, ben] = [tab(), tab()];
    await until(() => ana.editor.sync() === 'live' && ben.editor.sync() === 'live');
    const send = vi.spyOn(ana.way, 'send');
    const start = Date.now();
    for (let x = 0; x <= 50; x += 1) {
      ana.editor.present({ selection: [], cursor: { x, y: 0 } });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until(() => ben.editor.peers()[0]?.cursor?.x === 50);
    const sent = send.mock.calls.filter(([message]) => message.type === 'ephemeral').length;
    expect(sent).toBeGreaterThan(5);
    expect(sent).toBeLessThanOrEqual((Date.now() - start) / 50 + 3);
  });
});
