import { describe, expect, it } from 'vitest';
import { textAt } from './code-text';
import { setConfig } from './edits/config';
import { alone, two } from './testing/editors';

const CODE = ['steps', 'tidy', 'config', 'code'];
const URL_PLACE = ['steps', 'fetch', 'config', 'url'];

describe('a text under a text editor', () => {
  it('takes local splices and gives those of others, and both sides read the same', async () => {
    const { ana, ben, agree, cut, join } = await two();
    const [mine, theirs] = [textAt(ana, CODE), textAt(ben, CODE)];
    let shown = mine.get();
    mine.subscribe((splices) => {
      for (const { at, drop, put } of splices) shown = shown.slice(0, at) + put + shown.slice(at + drop);
    });
    const type = (at: number, drop: number, put: string) => {
      shown = shown.slice(0, at) + put + shown.slice(at + drop);
      mine.splice(at, drop, put);
    };
    type(0, 0, '# ana\n');
    await agree();
    cut();
    type(0, 1, '##');
    theirs.change([
      { at: 6, drop: 5, put: 'rows' },
      { at: 0, drop: 0, put: '🎈' },
    ]);
    await join();
    expect(shown).toBe(mine.get());
    expect(shown).toBe(theirs.get());
    expect(shown).toContain('rows = []');
    ana.undo();
    expect(shown).toBe(mine.get());
    ben.apply('common.close', setConfig(CODE, 'short'));
    await agree();
    expect(shown).toBe('short');
  });

  it('makes a chosen text one that merges, and undo makes it what it was', async () => {
    const { editor, clock } = await alone();
    const text = textAt(editor, URL_PLACE);
    const before = editor.snapshot().preset;
    for (const letter of 'abc') {
      clock.now += 100;
      text.splice(text.get().length, 0, letter);
    }
    expect(editor.snapshot().preset.steps?.fetch?.config?.url).toBe('https://a.testabc');
    expect(editor.undo()).toMatchObject({ done: true, kept: [] });
    expect(editor.snapshot().preset).toEqual(before);
    expect(editor.canUndo()).toBe(false);
    editor.redo();
    expect(text.get()).toBe('https://a.testabc');
  });

  it('begins where there was nothing', async () => {
    const { editor } = await alone();
    textAt(editor, ['steps', 'mail', 'note']).splice(0, 0, 'new');
    expect(editor.snapshot().preset.steps?.mail?.note).toBe('new');
  });
});
