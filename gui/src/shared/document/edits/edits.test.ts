import { describe, expect, it } from 'vitest';
import { alone, two } from '../testing/editors';
import { addCard, codeFields, removeCards, renameCard, replaceComponent, setDisabled } from './cards';
import {
  removeVariable,
  renameVariable,
  setConfig,
  setSecrets,
  setSettings,
  setStepOption,
  setText,
  setVariable,
} from './config';
import { together } from './entries';
import { freeId, freeName } from './ids';
import { addNote, group, moveToGroup, resizeNote, setColour, setNoteText, ungroup } from './notes';
import { pin, unpin } from './pins';
import { connect, disconnect, insertOnWire, reconnect } from './wires';

const LABEL = 'common.close';
const end = (step: string, port = 'in') => ({ step, port });

describe('cards and wires', () => {
  it('are added, connected and inserted as one edit', async () => {
    const { editor } = await alone();
    const { preset } = editor.snapshot();
    const add = addCard('step', 'new', 'set', { x: 450, y: 0 }, { fields: {} }, 'Set');
    editor.apply(LABEL, together(add, insertOnWire(preset, 'fetch:out>tidy:in', 'new', 'in', 'out')));
    expect(Object.keys(editor.snapshot().preset.wires ?? {})).toEqual([
      'fetch:out>new:in',
      'new:out>tidy:in',
      'start:out>fetch:in',
      'tidy:out>mail:in',
    ]);
    editor.undo();
    expect(editor.snapshot().preset).toEqual(preset);
  });

  it('that are removed leave no wires, and healed ones join their neighbours', async () => {
    const { editor } = await alone();
    editor.apply(LABEL, connect(end('fetch', 'error'), end('mail')));
    editor.apply(LABEL, removeCards(editor.snapshot().preset, ['fetch', 'tidy'], true));
    expect(Object.keys(editor.snapshot().preset.wires ?? {})).toEqual(['start:out>mail:in']);
    editor.undo();
    editor.apply(LABEL, removeCards(editor.snapshot().preset, ['fetch']));
    expect(Object.keys(editor.snapshot().preset.wires ?? {})).toEqual(['tidy:out>mail:in']);
  });

  it('come back when the same wire is drawn again', async () => {
    const { editor } = await alone();
    const id = 'fetch:out>tidy:in';
    editor.apply(LABEL, disconnect([id]));
    expect(editor.snapshot().preset.wires).not.toHaveProperty([id]);
    editor.apply(LABEL, connect(end('fetch', 'out'), end('tidy')));
    expect(editor.snapshot().preset.wires).toHaveProperty([id]);
    editor.apply(LABEL, reconnect(id, end('fetch', 'out'), end('mail')));
    expect(editor.snapshot().preset.wires).not.toHaveProperty([id]);
  });

  it('hold code that two people begin to write at once', async () => {
    const { ana, ben, agree, cut, join } = await two();
    const manifest = {
      config: { properties: { code: { type: 'string', contentMediaType: 'text/x-python' }, a: { type: 'string' } } },
    };
    const code = codeFields(manifest as never);
    expect(code).toEqual(['code']);
    ana.apply(LABEL, addCard('step', 'py', 'python', { x: 0, y: 0 }, {}, 'Py', code));
    await agree();
    cut();
    ana.apply(LABEL, setConfig(['steps', 'py', 'config', 'code'], 'ana'));
    ben.apply(LABEL, setConfig(['steps', 'py', 'config', 'code'], 'ben'));
    await join();
    expect(ana.text(['steps', 'py', 'config', 'code']).replace('ana', '')).toBe('ben');
  });

  it('that two people draw at once are one wire', async () => {
    const { ana, ben, cut, join } = await two();
    cut();
    for (const who of [ana, ben]) who.apply(LABEL, connect(end('fetch', 'out'), end('mail')));
    await join();
    expect(Object.keys(ana.snapshot().preset.wires ?? {})).toHaveLength(4);
    expect(ana.snapshot().preset).toEqual(ben.snapshot().preset);
  });

  it('are renamed wherever they are named, unless the name is not theirs alone', async () => {
    const { editor } = await alone();
    editor.apply(
      LABEL,
      setConfig(['steps', 'tidy', 'config', 'code'], "a = $( \"Fetch\" , 'out').all()\nb = $('Other')"),
    );
    editor.apply(LABEL, renameCard(editor.snapshot().preset, 'fetch', '  Get "it"  '));
    const { steps } = editor.snapshot().preset;
    expect(steps?.fetch?.name).toBe('Get "it"');
    expect(steps?.mail?.config?.text).toBe('{{ $(\'Get "it"\').item.json.a }}');
    expect(steps?.tidy?.config?.code).toBe('a = $("Get \\"it\\"" , \'out\').all()\nb = $(\'Other\')');
    editor.apply(LABEL, renameCard(editor.snapshot().preset, 'fetch', ''));
    expect(editor.snapshot().preset.steps?.fetch?.name).toBeUndefined();
    expect(editor.snapshot().preset.steps?.mail?.config?.text).toBe("{{ $('fetch').item.json.a }}");
    editor.apply(LABEL, renameCard(editor.snapshot().preset, 'tidy', 'fetch'));
    editor.apply(LABEL, renameCard(editor.snapshot().preset, 'fetch', 'Else'));
    expect(editor.snapshot().preset.steps?.mail?.config?.text).toBe("{{ $('fetch').item.json.a }}");
  });

  it('get ids that two people do not choose at once, and names that are free', async () => {
    const { editor } = await alone();
    const { preset } = editor.snapshot();
    expect(freeId(preset, 'HTTP request')).toMatch(/^http-request-[a-z0-9]{4}$/);
    expect(freeId(preset, 'HTTP request')).not.toBe(freeId(preset, 'HTTP request'));
    expect([freeName(preset, 'Fetch'), freeName(preset, 'Set'), freeName(preset, 'mail')]).toEqual([
      'Fetch 2',
      'Set',
      'mail 2',
    ]);
  });

  it('become another component, are turned off, get options and secrets, are pinned', async () => {
    const { editor } = await alone();
    const step = () => editor.snapshot().preset.steps?.fetch;
    editor.apply(LABEL, pin('fetch', { out: [{ json: { a: 1 } }] }));
    expect(step()?.pin).toEqual({ out: [{ json: { a: 1 } }] });
    editor.apply(LABEL, pin('fetch', { error: [] }));
    expect(step()?.pin).toEqual({ out: [{ json: { a: 1 } }], error: [] });
    editor.apply(LABEL, unpin(['fetch', 'tidy']));
    expect(step()?.pin).toBeUndefined();
    editor.apply(LABEL, setDisabled(['fetch', 'start'], true));
    expect(editor.snapshot().preset.triggers?.start?.disabled).toBe(true);
    editor.apply(LABEL, setStepOption('fetch', 'retry', { tries: 5, first_ms: 100 }));
    editor.apply(LABEL, setStepOption('fetch', 'on_error', 'port'));
    editor.apply(LABEL, setSecrets('fetch', ['b', 'a']));
    expect(step()).toMatchObject({
      disabled: true,
      retry: { tries: 5, first_ms: 100 },
      on_error: 'port',
      secrets: ['a', 'b'],
    });
    editor.apply(LABEL, setStepOption('fetch', 'retry', undefined));
    editor.apply(LABEL, replaceComponent('fetch', 'read-file', { path: '/x' }));
    expect(step()).toMatchObject({ component: 'read-file', config: { path: '/x' }, name: 'Fetch' });
    expect(step()?.retry).toBeUndefined();
  });
});

describe('values of a form', () => {
  it('that are chosen at once are one of the two, and both can be seen until somebody chooses', async () => {
    const { ana, ben, cut, join } = await two();
    const place = ['steps', 'fetch', 'config', 'method'];
    cut();
    ana.apply(LABEL, setConfig(place, 'POST'));
    ben.apply(LABEL, setConfig(place, 'PUT'));
    await join();
    const won = ana.snapshot().preset.steps?.fetch?.config?.method;
    expect(ana.conflicts(place)[0]).toBe(won);
    expect([...ana.conflicts(place)].sort()).toEqual(['POST', 'PUT']);
    ana.apply(LABEL, setConfig(place, won));
    expect(ana.conflicts(place)).toEqual([]);
  });

  it('that are prose merge letter by letter, and short ones do when they become prose', async () => {
    const { ana, ben, cut, join, agree } = await two();
    const place = ['steps', 'fetch', 'config', 'url'];
    ana.apply(LABEL, setConfig(place, 'https://a.test/{{ $json.id }}'));
    await agree();
    cut();
    ana.apply(LABEL, setConfig(place, 'https://ana.test/{{ $json.id }}'));
    ben.apply(LABEL, setConfig(place, 'https://a.test/{{ $json.id }}?x=1'));
    await join();
    expect(ben.text(place)).toBe('https://ana.test/{{ $json.id }}?x=1');
  });

  it('are lists and maps of any depth, changed where they differ', async () => {
    const { ana, ben, cut, join, agree } = await two();
    const place = ['steps', 'fetch', 'config', 'headers'];
    ana.apply(LABEL, setConfig(place, { a: ['1', '2', '3'], b: { c: null, d: true } }));
    await agree();
    cut();
    ana.apply(LABEL, setConfig(place, { a: ['1', '2', '3', '4'], b: { c: null, d: true } }));
    ben.apply(LABEL, setConfig(place, { a: ['0', '1', '2', '3'], b: { c: 5 } }));
    await join();
    expect(ana.snapshot().preset.steps?.fetch?.config?.headers).toEqual({ a: ['0', '1', '2', '3', '4'], b: { c: 5 } });
    ana.apply(LABEL, setConfig([...place, 'a', 1], undefined));
    ana.apply(LABEL, setConfig([...place, 'b'], undefined));
    expect(ana.snapshot().preset.steps?.fetch?.config?.headers).toEqual({ a: ['0', '2', '3', '4'] });
  });

  it('make the maps that lead to them', async () => {
    const { editor } = await alone();
    editor.apply(LABEL, setConfig(['steps', 'fetch', 'config', 'body', 'json', 'x'], 1));
    editor.apply(LABEL, setText(['steps', 'mail', 'note'], 'remark'));
    expect(editor.snapshot().preset.steps?.fetch?.config?.body).toEqual({ json: { x: 1 } });
    expect(editor.snapshot().preset.steps?.mail?.note).toBe('remark');
  });

  it('of the whole workflow: variables and settings', async () => {
    const { editor } = await alone();
    editor.apply(LABEL, setVariable('who', { a: 1 }, 'Who it is.'));
    editor.apply(LABEL, renameVariable('who', 'whom'));
    editor.apply(LABEL, setSettings({ concurrency: 2, retention: { days: 3 } }));
    expect(editor.snapshot().preset.variables).toEqual({ whom: { value: { a: 1 }, docs: 'Who it is.' } });
    expect(editor.snapshot().preset.settings).toEqual({ concurrency: 2, retention: { days: 3 } });
    editor.apply(LABEL, setSettings({ concurrency: undefined }));
    editor.apply(LABEL, removeVariable('whom'));
    expect(editor.snapshot().preset.settings).toEqual({ retention: { days: 3 } });
    editor.apply(LABEL, setVariable('whom', 3));
    expect(editor.snapshot().preset.variables?.whom?.value).toBe(3);
  });
});

describe('notes and frames', () => {
  it('of two people are both kept, in a document that had none before', async () => {
    const { ana, ben, first, agree, cut, join } = await two();
    first.change((doc) => {
      delete doc.notes;
      delete doc.groups;
    });
    await agree();
    cut();
    ana.apply(LABEL, addNote('a', { x: 0, y: 0 }, 'by Ana'));
    ben.apply(LABEL, group('b', ['fetch', 'tidy'], 'by Ben'));
    ben.apply(LABEL, addNote('c', { x: 0, y: 0 }, 'by Ben'));
    await join();
    for (const who of [ana, ben]) {
      expect(Object.keys(who.snapshot().preset.notes ?? {})).toEqual(['a', 'c']);
      expect(who.snapshot().preset.groups).toEqual({ b: { title: 'by Ben', steps: ['fetch', 'tidy'] } });
    }
  });

  it('are written, resized, coloured, taken apart', async () => {
    const { editor } = await alone();
    const drawn = () => editor.snapshot().preset;
    editor.apply(LABEL, addNote('n', { x: 1, y: 2 }));
    editor.apply(LABEL, setNoteText('n', 'hello'));
    editor.apply(LABEL, resizeNote('n', { x: 0, y: 2 }, { width: 300, height: 200 }));
    editor.apply(LABEL, setColour('notes', 'n', 'blue'));
    expect(drawn().notes?.n).toEqual({
      text: 'hello',
      position: { x: 0, y: 2 },
      width: 300,
      height: 200,
      colour: 'blue',
    });
    editor.apply(LABEL, group('g', ['fetch', 'tidy']));
    editor.apply(LABEL, group('h', ['tidy', 'mail']));
    expect(drawn().groups).toEqual({ g: { title: '', steps: ['fetch'] }, h: { title: '', steps: ['mail', 'tidy'] } });
    editor.apply(LABEL, moveToGroup('g', ['mail']));
    editor.apply(LABEL, moveToGroup(undefined, ['fetch']));
    expect(drawn().groups).toEqual({ g: { title: '', steps: ['mail'] }, h: { title: '', steps: ['tidy'] } });
    editor.apply(LABEL, ungroup(['g', 'h']));
    expect(drawn().groups).toEqual({});
  });
});
