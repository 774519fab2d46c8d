import { describe, expect, it } from 'vitest';
import { en } from './en';
import { id } from './id';
import { fill, localeOf } from './messages';

const names = (text: string) => new Set([...text.matchAll(/\{([a-z_]+)/gi)].map((found) => found[1]));

describe('the catalogue', () => {
  it('has the same values in every language', () => {
    for (const [key, text] of Object.entries(en)) {
      expect(names(id[key as keyof typeof en]), key).toEqual(names(text));
    }
    expect(Object.keys(id)).toEqual(Object.keys(en));
  });

  it('leaves dates and numbers to the region that the browser is set to', () => {
    expect(localeOf('en', ['id-ID', 'en-GB', 'en'])).toBe('en-GB');
    expect(localeOf('id', ['en-GB'])).toBe('id');
  });

  it('fills in values and chooses by number', () => {
    const text = '{count} {count|question waits|questions wait} for {who}';
    expect(fill(text, { count: 1, who: 'you' }, 'en')).toBe('1 question waits for you');
    expect(fill(text, { count: 1_200, who: 'Ana' }, 'en')).toBe('1,200 questions wait for Ana');
    expect(fill(text, { count: 0, who: 'Ana' }, 'en')).toBe('0 questions wait for Ana');
  });
});
