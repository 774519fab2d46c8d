import { expect, it } from 'vitest';
import { addCard, moveCards, removeCards, renameCard, setDisabled } from './edits/cards';
import { setConfig, setSecrets, setText, setVariable } from './edits/config';
import { addNote, group } from './edits/notes';
import { duplicate } from './edits/paste';
import { pin, unpin } from './edits/pins';
import { connect, disconnect } from './edits/wires';
import { chance, seedOf } from './testing/chance';
import { alone, two } from './testing/editors';
import type { PresetEditor } from './types';

const LABEL = 'common.close';
const pick = <T>(random: () => number, of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;

/** One edit of somebody, by chance. */
function edit(editor: PresetEditor, random: () => number, count: number): void {
  const preset = editor.snapshot().preset;
  const steps = Object.keys(preset.steps ?? {});
  const step = pick(random, steps);
  const text = pick(random, [['title'], ['docs'], ['steps', 'tidy', 'config', 'code']]);
  if (step === undefined) {
    editor.apply(LABEL, addCard('step', `new${count}`, 'set', { x: count, y: 0 }));
    return;
  }
  const old = editor.text(text);
  const at = Math.floor(random() * (old.length + 1));
  const drop = Math.floor(random() * Math.min(6, old.length - at + 1));
  const put = pick(random, ['', 'x', 'hello ', '\n', 'é🎈']);
  const choice = Math.floor(random() * 16);
  const other = pick(random, steps);
  if (choice <= 5)
    editor.apply(
      LABEL,
      setText(text, old.slice(0, at) + put + old.slice(at + drop)),
      pick(random, [undefined, 'typing']),
    );
  else if (choice === 6) editor.apply(LABEL, moveCards({ [step]: { x: count, y: count } }));
  else if (choice === 7) editor.apply(LABEL, removeCards(preset, [step], random() < 0.5));
  else if (choice === 8)
    editor.apply(
      LABEL,
      addCard('step', `new${count}`, 'set', { x: count, y: 0 }, { list: [1, { a: 'b' }], t: 'a\nb' }),
    );
  else if (choice === 9) editor.apply(LABEL, connect({ step, port: 'out' }, { step: other, port: 'in' }));
  else if (choice === 10) editor.apply(LABEL, disconnect([pick(random, [...Object.keys(preset.wires ?? {}), 'none'])]));
  else if (choice === 11)
    editor.apply(LABEL, setConfig(['steps', step, 'config', 'list'], [count, { a: `${count}` }, random() < 0.5]));
  else if (choice === 12) editor.apply(LABEL, renameCard(preset, step, `Name ${count}`));
  else if (choice === 13) {
    editor.apply(LABEL, setVariable(pick(random, ['who', 'what']), { n: count }));
    editor.apply(LABEL, setSecrets(step, [`s${count % 3}`]));
  } else if (choice === 14) {
    editor.apply(LABEL, random() < 0.5 ? pin(step, { out: [{ json: { count } }] }) : unpin([step]));
    editor.apply(LABEL, setDisabled([step], random() < 0.5));
  } else {
    editor.apply(LABEL, addNote(`note${count}`, { x: 0, y: count }, 'note'));
    editor.apply(LABEL, group(`group${count}`, [step, other], 'g'));
    if (steps.length < 12) editor.apply(LABEL, duplicate(preset, [step]).edit);
  }
}

it('alone, undo goes back through every edit and redo comes forward again', async () => {
  const seed = seedOf();
  const random = chance(seed);
  for (let round = 0; round < 6; round += 1) {
    const { editor, clock } = await alone();
    const seen = [JSON.stringify(editor.snapshot().preset)];
    while (editor.canUndo() || seen.length < 2) {
      if (seen.length > 40) break;
      clock.now += 2_000;
      edit(editor, random, seen.length);
      const now = JSON.stringify(editor.snapshot().preset);
      if (now !== seen.at(-1)) seen.push(now);
    }
    const last = JSON.stringify(editor.snapshot().preset);
    while (editor.canUndo()) expect(editor.undo().kept, `seed ${seed}`).toEqual([]);
    expect(JSON.stringify(editor.snapshot().preset), `seed ${seed}`).toBe(seen[0]);
    while (editor.canRedo()) expect(editor.redo().kept, `seed ${seed}`).toEqual([]);
    expect(JSON.stringify(editor.snapshot().preset), `seed ${seed}`).toBe(last);
  }
});

it('two who edit, undo and redo at once come to the same document', async () => {
  const seed = seedOf();
  const random = chance(seed);
  for (let round = 0; round < 4; round += 1) {
    const { ana, ben, clock, cut, join, agree } = await two();
    for (let part = 0; part < 6; part += 1) {
      if (part > 0) await (random() < 0.5 ? agree() : Promise.resolve());
      const isApart = random() < 0.5;
      if (isApart) cut();
      for (let count = 0; count < 12; count += 1) {
        clock.now += random() < 0.5 ? 100 : 3_000;
        const who = pick(random, [ana, ben]);
        const what = random();
        if (what < 0.6) edit(who, random, round * 1_000 + part * 100 + count);
        else if (what < 0.85) who.undo(random() < 0.2);
        else who.redo();
      }
      if (isApart) await join();
    }
    await agree();
    expect(ana.snapshot().preset, `seed ${seed}`).toEqual(ben.snapshot().preset);
  }
}, 30_000);

it('texts typed at once: taking back everything of one leaves exactly what the other typed', async () => {
  const seed = seedOf();
  const random = chance(seed);
  const place = ['docs'];
  for (let round = 0; round < 2; round += 1) {
    const { ana, ben, clock, agree } = await two();
    for (let count = 0; count < 25; count += 1) {
      clock.now += 3_000;
      const old = ana.text(place);
      // Ana writes small letters and deletes only those; Ben writes capitals.
      const at = Math.floor(random() * (old.length + 1));
      const run = /^[a-z]+/.exec(old.slice(at))?.[0].length ?? 0;
      if (random() < 0.4) ben.apply(LABEL, setText(place, `${old.slice(0, at)}BEN${old.slice(at)}`));
      else {
        const drop = random() < 0.5 ? Math.floor(random() * (run + 1)) : 0;
        ana.apply(LABEL, setText(place, old.slice(0, at) + pick(random, ['', 'ana', 'x']) + old.slice(at + drop)));
      }
      await agree();
    }
    const all = ana.text(place);
    while (ana.canUndo()) ana.undo();
    expect(ana.text(place), `seed ${seed}`).toBe(all.replace(/[a-z]/g, ''));
    while (ana.canRedo()) ana.redo();
    expect(ana.text(place), `seed ${seed}`).toBe(all);
    await agree();
    expect(ben.text(place)).toBe(all);
  }
}, 30_000);
