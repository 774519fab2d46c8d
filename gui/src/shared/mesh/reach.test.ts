import { describe, expect, it } from 'vitest';
import { messages } from '../i18n/messages';
import { isNear, reachableWords, readReach } from './reach';

describe('from where a node can be reached', () => {
  const t = messages();

  it.each([
    ['this machine only', 'machine'],
    ['this network; to be reached from elsewhere, pair with a relay', 'network'],
    ['nowhere: this node does not listen; set `mesh.listen`', 'nowhere'],
    ['anywhere, unless a firewall is in the way: nobody tried yet', 'untried'],
    ['anywhere: others reached it at /ip4/203.0.113.5/tcp/4142', 'anywhere'],
  ])('%s → %s', (said, kind) => expect(readReach(said)).toEqual({ kind }));

  it('names the relays through which it is', () => {
    expect(readReach('anywhere, through Hut and Ben')).toEqual({ kind: 'through', names: ['Hut', 'Ben'] });
    expect(reachableWords(t, 'anywhere, through Hut')).toBe('from anywhere, through Hut.');
    expect(reachableWords(t, 'anywhere, through Hut and Ben')).toBe('from anywhere, through Hut and Ben.');
  });

  it('is told without addresses, and in the node’s words where they are new', () => {
    expect(reachableWords(t, 'anywhere: others reached it at /ip4/203.0.113.5/tcp/4142')).not.toMatch(/203/);
    expect(reachableWords(t, 'the moon')).toBe('the moon');
  });

  it('can be made wider when it is only near', () => {
    expect(
      ['this machine only', 'this network; …', 'anywhere, through Hut', 'nowhere: …', 'the moon'].map(isNear),
    ).toEqual([true, true, false, false, false]);
  });
});
