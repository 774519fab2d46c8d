import { describe, expect, it } from 'vitest';
import { setConfig } from '@/shared/document/edits/config';
import { alone, two } from '@/shared/document/testing/editors';
import { cardOf, moveElement, renameEntry, settle, textAt } from './card-of';

const LABEL = 'panel.edit.option';

describe('the edits of a form', () => {
  it('settle what two people chose at once, also on the value that shows already', async () => {
    const { ana, ben, cut, join } = await two();
    const place = ['steps', 'fetch', 'config', 'method'];
    cut();
    ana.apply(LABEL, settle(place, 'POST'));
    ben.apply(LABEL, settle(place, 'PUT'));
    await join();
    const [shown] = ana.conflicts(place);
    expect(ana.conflicts(place)).toHaveLength(2);
    ana.apply(LABEL, settle(place, shown));
    expect(ana.conflicts(place).length).toBeLessThan(2);
    expect(cardOf(ana.snapshot().preset, 'fetch')?.card.config?.method).toBe(shown);
  });

  it('move elements of lists and rename entries of maps', async () => {
    const { editor } = await alone();
    const to = ['steps', 'mail', 'config', 'to'];
    editor.apply(LABEL, setConfig(to, ['a@b.c', 'second', 'third']));
    editor.apply(LABEL, moveElement(to, 2, 0));
    expect(cardOf(editor.snapshot().preset, 'mail')?.card.config?.to).toEqual(['third', 'a@b.c', 'second']);
    editor.apply(LABEL, renameEntry(['steps', 'fetch', 'config'], 'url', 'address', 'https://a.test'));
    expect(cardOf(editor.snapshot().preset, 'fetch')?.card.config).toEqual({
      address: 'https://a.test',
      method: 'GET',
    });
  });

  it('write texts letter by letter, and make one where a number was', async () => {
    const { editor } = await alone();
    const code = textAt(editor, ['steps', 'tidy', 'config', 'code'], LABEL);
    code.splice(9, 1, '1]');
    expect(code.read()).toBe('items = [1]\nreturn items\n');
    editor.apply(LABEL, settle(['steps', 'tidy', 'config', 'count'], 5));
    const count = textAt(editor, ['steps', 'tidy', 'config', 'count'], LABEL);
    expect(count.read()).toBe('5');
    count.splice(0, 1, '{{ 5 }}');
    expect(cardOf(editor.snapshot().preset, 'tidy')?.card.config?.count).toBe('{{ 5 }}');
    const fresh = textAt(editor, ['steps', 'tidy', 'config', 'fresh'], LABEL);
    expect(fresh.read()).toBe('');
    fresh.splice(0, 0, 'a');
    fresh.splice(1, 0, 'b');
    expect(fresh.read()).toBe('ab');
  });
});
