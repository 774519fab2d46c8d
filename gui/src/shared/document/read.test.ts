import { describe, expect, it } from 'vitest';
import { moveCards, removeCards } from './edits/cards';
import { setConfig, setText } from './edits/config';
import { addNote } from './edits/notes';
import { replaceWhole } from './edits/whole';
import { connect } from './edits/wires';
import { docOf } from './form';
import { alone, PRESET, two } from './testing/editors';
import type { DrawnPreset } from './types';

const LABEL = 'common.close';

/** A chain of so many steps. */
function chain(count: number): DrawnPreset {
  const ids = Array.from({ length: count }, (_, index) => `step-${index}`);
  return {
    flowork: 'preset/1',
    name: 'large',
    steps: Object.fromEntries(
      ids.map((id, index) => [
        id,
        {
          component: 'http-request',
          name: `Ask ${index}`,
          position: { x: index * 300, y: 0 },
          config: { url: `https://a.test/${index}`, method: 'GET' },
        },
      ]),
    ),
    wires: Object.fromEntries(
      ids.slice(1).map((id, index) => {
        const [from, to] = [
          { step: `step-${index}`, port: 'out' },
          { step: id, port: 'in' },
        ];
        return [`${from.step}:out>${id}:in`, { from, to }];
      }),
    ),
  };
}

describe('reading a document', () => {
  it('gives back what it was made of', async () => {
    const { editor } = await alone();
    expect(editor.snapshot().preset).toEqual({ ...PRESET, settings: {}, notes: {}, groups: {} });
  });

  it('keeps the identity of everything that no edit touched, own edits and those of others', async () => {
    const { ana, ben, agree } = await two();
    for (const by of [ana, ben]) {
      const before = ana.snapshot().preset;
      by.apply(LABEL, moveCards({ fetch: { x: by === ana ? 5 : 6, y: 5 } }));
      await agree();
      const after = ana.snapshot().preset;
      expect(after.steps?.fetch).not.toBe(before.steps?.fetch);
      expect(after.steps?.fetch?.config).toBe(before.steps?.fetch?.config);
      expect(after.steps?.tidy).toBe(before.steps?.tidy);
      for (const part of ['wires', 'triggers', 'variables', 'notes'] as const) expect(after[part]).toBe(before[part]);
      expect(ana.snapshot()).toBe(ana.snapshot());
    }
  });

  it('leaves out what is removed and wires that lead nowhere', async () => {
    const { editor } = await alone();
    editor.apply(LABEL, connect({ step: 'fetch', port: 'out' }, { step: 'gone', port: 'in' }));
    editor.apply(LABEL, removeCards(editor.snapshot().preset, ['start']));
    expect(Object.keys(editor.snapshot().preset.wires ?? {})).toEqual(['fetch:out>tidy:in', 'tidy:out>mail:in']);
    expect(editor.snapshot().preset.triggers).toEqual({});
  });

  it('reads nonsense as far as it goes', async () => {
    const { editor } = await alone();
    editor.apply(LABEL, (doc) => {
      const odd = doc.steps as unknown as Record<string, unknown>;
      odd.text = 'x';
      odd.list = [1];
      odd.empty = {};
      odd.wrong = {
        component: 5,
        position: { x: 'a' },
        on_error: 'explode',
        pin: { out: 'not json', b: '[]' },
        secrets: 3,
      };
    });
    const { steps } = editor.snapshot().preset;
    expect(Object.keys(steps ?? {}).sort()).toEqual(['empty', 'fetch', 'mail', 'tidy', 'wrong']);
    expect(steps?.wrong).toEqual({ component: '', pin: { b: [] } });
  });

  it('reads earlier heads', async () => {
    const { editor } = await alone();
    const { heads } = editor.snapshot();
    editor.apply(LABEL, setText(['title'], 'Later'));
    expect(editor.at(heads).title).toBe('Invoices');
    expect(() => editor.at(['00'.repeat(32)])).toThrow();
  });
});

describe('restoring', () => {
  it('is one edit that touches only what differs', async () => {
    const { editor } = await alone();
    const before = editor.snapshot().preset;
    editor.apply(LABEL, setConfig(['steps', 'fetch', 'config', 'url'], 'https://b.test'));
    editor.apply(LABEL, removeCards(editor.snapshot().preset, ['tidy'], true));
    editor.apply(LABEL, addNote('n', { x: 0, y: 0 }, 'hm'));
    const now = editor.snapshot().preset;
    editor.apply(LABEL, replaceWhole(now, before));
    expect(editor.snapshot().preset).toEqual(before);
    expect(editor.snapshot().preset.steps?.mail).toBe(now.steps?.mail);
    editor.undo();
    expect(editor.snapshot().preset).toEqual(now);
  });
});

it('holds 5 000 steps', async () => {
  const took: Record<string, string> = {};
  const timed = <T>(name: string, work: () => T): T => {
    const start = performance.now();
    const value = work();
    took[name] = `${(performance.now() - start).toFixed(1)} ms`;
    return value;
  };
  timed('form', () => docOf(chain(5_000)));
  const { editor, clock } = await alone(chain(5_000));
  timed('first read', () => editor.snapshot());
  timed('move one', () => editor.apply(LABEL, moveCards({ 'step-7': { x: 1, y: 2 } })));
  timed('read after it', () => editor.snapshot());
  clock.now += 5_000;
  timed('type a letter', () => editor.apply(LABEL, setText(['steps', 'step-9', 'note'], 'a')));
  timed('read after it', () => editor.snapshot());
  timed('undo', () => editor.undo());
  timed('read after undo', () => editor.snapshot());
  const { preset } = editor.snapshot();
  timed('remove 100', () =>
    editor.apply(
      LABEL,
      removeCards(
        preset,
        Array.from({ length: 100 }, (_, n) => `step-${n + 50}`),
      ),
    ),
  );
  timed('undo 100', () => editor.undo());
  const all = Object.fromEntries(Object.keys(preset.steps ?? {}).map((id, index) => [id, { x: index, y: 1 }]));
  timed('tidy all', () => editor.apply(LABEL, moveCards(all)));
  timed('read after tidy', () => editor.snapshot());
  timed('undo tidy', () => editor.undo());
  timed('restore unchanged', () => editor.apply(LABEL, replaceWhole(editor.snapshot().preset, preset)));
  process.stdout.write(`5 000 steps: ${JSON.stringify(took)}\n`);
  expect(Object.keys(editor.snapshot().preset.steps ?? {})).toHaveLength(5_000);
}, 60_000);
