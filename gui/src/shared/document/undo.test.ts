import { describe, expect, it } from 'vitest';
import type { PlainKey } from '../i18n/messages';
import { addCard, moveCards, removeCards, renameCard } from './edits/cards';
import { setConfig, setText } from './edits/config';
import { alone, two } from './testing/editors';

const LABEL = 'common.close' as PlainKey;
const CODE = ['steps', 'tidy', 'config', 'code'];

describe('undo alone', () => {
  it('goes all the way back and redo comes all the way forward', async () => {
    const { editor, clock } = await alone();
    const seen = [editor.snapshot().preset];
    const did = (): void => {
      seen.push(editor.snapshot().preset);
      clock.now += 5_000;
    };
    editor.apply(LABEL, moveCards({ fetch: { x: 1, y: 2 } }));
    did();
    editor.apply(LABEL, setConfig(['steps', 'fetch', 'config', 'url'], 'https://b.test'));
    did();
    editor.apply(LABEL, setText(CODE, 'items = [1]\nreturn items\n'));
    did();
    editor.apply(LABEL, setText(CODE, 'items = [12]\nreturn\n'));
    did();
    editor.apply(LABEL, removeCards(editor.snapshot().preset, ['tidy'], true));
    did();
    editor.apply(LABEL, addCard('step', 'new', 'set', { x: 0, y: 0 }, { a: { b: ['x', 1] } }));
    did();
    editor.apply(LABEL, renameCard(editor.snapshot().preset, 'fetch', "Get 'em"));
    did();
    editor.apply(LABEL, setConfig(['steps', 'mail', 'config', 'to'], ['x@y.z', 'a@b.c']));
    did();
    expect(editor.snapshot().preset.steps?.mail?.config?.text).toBe("{{ $('Get \\'em').item.json.a }}");
    expect(seen.at(-1)?.wires).toHaveProperty(['fetch:out>mail:in']);
    for (let index = seen.length - 2; index >= 0; index -= 1) {
      expect(editor.undo()).toMatchObject({ done: true, kept: [] });
      expect(editor.snapshot().preset).toEqual(seen[index]);
    }
    expect(editor.canUndo()).toBe(false);
    for (const expected of seen.slice(1)) {
      expect(editor.redo().done).toBe(true);
      expect(editor.snapshot().preset).toEqual(expected);
    }
    expect(editor.canRedo()).toBe(false);
  });

  it('takes typing back by the second', async () => {
    const { editor, clock } = await alone();
    let text = '';
    for (const letter of 'hello') {
      text += letter;
      clock.now += 200;
      editor.apply(LABEL, setText(['title'], text), 'title');
    }
    clock.now += 3_000;
    editor.apply(LABEL, setText(['title'], 'hello!'), 'title');
    editor.undo();
    expect(editor.snapshot().preset.title).toBe('hello');
    editor.undo();
    expect(editor.snapshot().preset.title).toBe('Invoices');
    expect(editor.canUndo()).toBe(false);
  });

  it('takes back no more than a few seconds of typing at once', async () => {
    const { editor, clock } = await alone();
    for (let count = 0; count < 100; count += 1) {
      clock.now += 100;
      editor.apply(LABEL, setText(['docs'], `${editor.text(['docs'])}x`), 'docs');
    }
    editor.undo();
    expect(editor.text(['docs']).length).toBeGreaterThan(60);
    while (editor.canUndo()) editor.undo();
    expect(editor.text(['docs'])).toBe('');
  });
});

describe('undo with others', () => {
  it('takes back the own letters and leaves those of others', async () => {
    const { ana, ben, agree } = await two();
    ana.apply(LABEL, setText(CODE, 'items = [mine]\nreturn items\n'));
    await agree();
    ben.apply(LABEL, setText(CODE, '# ben\nitems = [mine, too]\nreturn items\n'));
    await agree();
    ana.undo();
    await agree();
    expect(ben.text(CODE)).toBe('# ben\nitems = [, too]\nreturn items\n');
    expect(ana.text(CODE)).toBe(ben.text(CODE));
    ana.redo();
    expect(ana.text(CODE)).toBe('# ben\nitems = [mine, too]\nreturn items\n');
  });

  it('leaves alone what somebody else has set since, says so, and does it when told to', async () => {
    const { ana, ben, agree } = await two();
    const url = ['steps', 'fetch', 'config', 'url'];
    ana.apply(LABEL, setConfig(url, 'https://ana.test'));
    await agree();
    ben.apply(LABEL, setConfig(url, 'https://ben.test'));
    await agree();
    expect(ana.undo()).toEqual({ done: false, label: LABEL, kept: [url] });
    expect(ana.snapshot().preset.steps?.fetch?.config?.url).toBe('https://ben.test');
    expect(ana.undo(true)).toEqual({ done: true, label: LABEL, kept: [] });
    expect(ana.snapshot().preset.steps?.fetch?.config?.url).toBe('https://a.test');
    ana.redo();
    expect(ana.snapshot().preset.steps?.fetch?.config?.url).toBe('https://ben.test');
  });

  it('brings a removed step back with what the other did to it meanwhile', async () => {
    const { ana, ben, agree, cut, join } = await two();
    cut();
    ana.apply(LABEL, removeCards(ana.snapshot().preset, ['tidy']));
    ben.apply(LABEL, setText(CODE, 'print(1)\nitems = []\nreturn items\n'));
    ben.apply(LABEL, moveCards({ tidy: { x: 7, y: 8 } }));
    await join();
    expect(ben.snapshot().preset.steps).not.toHaveProperty('tidy');
    expect(ana.undo()).toMatchObject({ done: true, kept: [] });
    await agree();
    expect(ben.snapshot().preset.steps?.tidy).toMatchObject({ position: { x: 7, y: 8 } });
    expect(ben.text(CODE)).toBe('print(1)\nitems = []\nreturn items\n');
    expect(Object.keys(ben.snapshot().preset.wires ?? {})).toHaveLength(3);
  });

  it('never mixes the moves of two people', async () => {
    const { ana, ben, cut, join } = await two();
    cut();
    ana.apply(LABEL, moveCards({ fetch: { x: 1, y: 2 } }));
    ben.apply(LABEL, moveCards({ fetch: { x: 10, y: 20 } }));
    await join();
    const place = ana.snapshot().preset.steps?.fetch?.position;
    expect([
      { x: 1, y: 2 },
      { x: 10, y: 20 },
    ]).toContainEqual(place);
    expect(ben.snapshot().preset.steps?.fetch?.position).toEqual(place);
  });
});
