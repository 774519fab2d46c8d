import { describe, expect, it } from 'vitest';
import { plainProse, proseParts } from './prose-text';

describe('a sentence of a manifest', () => {
  it('has code between backticks and stress between asterisks', () => {
    expect(proseParts('A path, `~/…`, **or** `.`')).toEqual([
      { kind: 'text', text: 'A path, ' },
      { kind: 'code', text: '~/…' },
      { kind: 'text', text: ', ' },
      { kind: 'strong', text: 'or' },
      { kind: 'text', text: ' ' },
      { kind: 'code', text: '.' },
    ]);
  });

  it('keeps a mark without a partner, and takes markup for text', () => {
    expect(proseParts('5 ` of <b>it</b> 2**3')).toEqual([{ kind: 'text', text: '5 ` of <b>it</b> 2**3' }]);
    expect(proseParts('')).toEqual([]);
  });

  it('is plain without its marks', () => {
    expect(plainProse('Sends each item to `true` or `false`.')).toBe('Sends each item to true or false.');
  });
});
