import { describe, expect, it } from 'vitest';
import { linkIn, troubleOf } from './link';

describe('a link as it is pasted', () => {
  const link = `flowork://join/${'pgABAVggZBAdwPMM7EPccPJkCds2DbuvLCFoXbYUUoqyEKyJfvQCYnZtA1AVurvo-_'.repeat(3)}`;

  it('is found among words', () => {
    expect(linkIn(`  ${link}\n`)).toBe(link);
    expect(linkIn(`Join me: ${link} (until tomorrow)`)).toBe(link);
    expect(linkIn(`${link}\nAna`)).toBe(link);
  });

  it('is put together when a mail broke its line', () => {
    const broken = (link.match(/.{1,72}/g) ?? []).join('\r\n');
    expect(linkIn(`Here:\n${broken}\n\nAna`)).toBe(link);
  });

  it('that is none is left to the node to refuse', () => {
    expect(linkIn(' https://example.org ')).toBe('https://example.org');
  });
});

describe('what goes wrong with a link', () => {
  it('reads the same whoever noticed that it has ended', () => {
    expect(troubleOf('invitation-invalid', 'the invitation has ended; ask for a new one')).toBe(
      'friends.trouble.expired',
    );
    expect(troubleOf('invitation-expired', '')).toBe('friends.trouble.expired');
  });

  it('of another kind is told in the node’s words', () => {
    expect(troubleOf('contacts-full', 'full')).toBeUndefined();
    expect(troubleOf('constructor', '')).toBeUndefined();
  });
});
