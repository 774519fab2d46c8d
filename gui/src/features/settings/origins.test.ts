import { describe, expect, it } from 'vitest';
import { originOf, originsIn } from './origins';

describe('the origin of a page elsewhere', () => {
  it.each([
    ['https://gui.example/some/page?x', 'https://gui.example'],
    ['gui.example', 'https://gui.example'],
    ['https://gui.example:8443', 'https://gui.example:8443'],
    ['http://localhost:5173/', 'http://localhost:5173'],
    ['http://127.0.0.1:4173', 'http://127.0.0.1:4173'],
  ])('%s → %s', (text, origin) => expect(originOf(text)).toBe(origin));
  it.each(['', 'http://gui.example', 'ftp://x.example', '*', 'https://', 'word'])('%s is none', (text) =>
    expect(originOf(text)).toBeUndefined(),
  );
});

describe('the setting', () => {
  it('may be missing or of another form', () => {
    expect(originsIn({})).toEqual([]);
    expect(originsIn({ 'gui.origins': 'https://x.example' })).toEqual([]);
    expect(originsIn({ 'gui.origins': ['https://x.example', 3] })).toEqual(['https://x.example']);
  });
});
