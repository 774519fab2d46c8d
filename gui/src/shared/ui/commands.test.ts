import { describe, expect, it } from 'vitest';
import { keyText, offerCommands, offeredCommands } from './commands';

const command = (id: string) => ({ id, title: id, group: 'test', run: () => {} });

describe('commands', () => {
  it('are there from being offered to being taken back', () => {
    const takeBack = offerCommands([command('one')]);
    const takeBackTwo = offerCommands([command('two'), command('three')]);
    expect(offeredCommands().map((it) => it.id)).toEqual(['one', 'two', 'three']);
    takeBack();
    expect(offeredCommands().map((it) => it.id)).toEqual(['two', 'three']);
    takeBackTwo();
    expect(offeredCommands()).toEqual([]);
  });
});

describe('keys', () => {
  it.each([
    ['Mod+K', 'Ctrl+K', '⌘K'],
    ['Mod+Shift+Z', 'Ctrl+Shift+Z', '⌘⇧Z'],
    ['Alt+Enter', 'Alt+⏎', '⌥⏎'],
    ['+', '+', '+'],
    ['Mod++', 'Ctrl++', '⌘+'],
    ['?', '?', '?'],
  ])('%s is %s here and %s there', (keys, here, there) => {
    expect(keyText(keys, false)).toBe(here);
    expect(keyText(keys, true)).toBe(there);
  });
});
