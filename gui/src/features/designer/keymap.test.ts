import { describe, expect, it } from 'vitest';
import { bindingOf, COMMAND_IDS, commandOf, type Pressed, pressedText } from './keymap';

const press = (key: string, more: Partial<Pressed> = {}): Pressed => ({
  key,
  code: '',
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...more,
});

describe('the table of keys', () => {
  it('gives every key to one command', () => {
    const keys = COMMAND_IDS.flatMap((id) => bindingOf(id).keys);
    expect(keys.filter((it, at) => keys.indexOf(it) !== at)).toEqual([]);
  });

  it('leaves Tab alone', () => {
    expect(commandOf(press('Tab'), 'canvas')).toBeUndefined();
  });
});

describe('a key', () => {
  it.each([
    [press('d'), 'D'],
    [press('D', { shiftKey: true }), 'Shift+D'],
    [press('z', { metaKey: true, shiftKey: true }), 'Mod+Shift+Z'],
    [press('+', { shiftKey: true }), '+'],
    [press('?', { shiftKey: true }), '?'],
    [press('†', { altKey: true, shiftKey: true, code: 'KeyT' }), 'Shift+Alt+T'],
    [press('ArrowLeft', { shiftKey: true }), 'Shift+ArrowLeft'],
  ])('is written %s', (pressed, text) => {
    expect(pressedText(pressed)).toBe(text);
  });

  it('does its work on the canvas', () => {
    expect(commandOf(press('n'), 'canvas')).toBe('add');
    expect(commandOf(press('Enter', { ctrlKey: true }), 'canvas')).toBe('run');
    expect(commandOf(press('y', { ctrlKey: true }), 'elsewhere')).toBe('redo');
  });

  it('writes in fields, apart from those that cannot be meant as text', () => {
    expect(commandOf(press('n'), 'field')).toBeUndefined();
    expect(commandOf(press('z', { ctrlKey: true }), 'field')).toBeUndefined();
    expect(commandOf(press('Enter', { ctrlKey: true }), 'field')).toBe('run');
  });

  it('that means a step does nothing while the focus is on a button of the page', () => {
    expect(commandOf(press('Enter'), 'elsewhere')).toBeUndefined();
    expect(commandOf(press('Delete'), 'elsewhere')).toBeUndefined();
  });

  it('does in the list of steps what it does on the canvas, apart from what a list does by itself', () => {
    expect(commandOf(press('d'), 'list')).toBe('disable');
    expect(commandOf(press('F2'), 'list')).toBe('rename');
    expect(commandOf(press('ArrowDown'), 'list')).toBeUndefined();
    expect(commandOf(press('Delete'), 'list')).toBeUndefined();
  });
});
