import { describe, expect, it } from 'vitest';
import type { Peer, Reach } from '@/shared/api/types';
import { messages } from '@/shared/i18n/messages';
import { reachWords, relayWords } from './reach-words';

describe('how a friend is reached', () => {
  const t = messages();
  const words = (reach: Reach, seenAt: number | null = null) => reachWords(t, { reach, seen_at: seenAt });
  const relayed = { state: 'relayed', address: '/ip4/203.0.113.5/tcp/1', latency_ms: 35.4, through: 'Hut' } as const;

  it('directly, with how fast', () => {
    const direct = { state: 'direct', address: '/ip4/10.0.0.1/tcp/1', latency_ms: 0.42 } as const;
    expect(words(direct)).toEqual({ badge: 'direct', more: '0.4 ms', why: undefined });
    expect(words({ ...direct, latency_ms: null }).more).toBeUndefined();
  });

  it('through whom, and why not directly, without addresses', () => {
    expect(words({ ...relayed, why: 'timed out at /ip4/10.0.0.1/tcp/4' })).toEqual({
      badge: 'relayed through Hut',
      more: '35 ms',
      why: 'No direct connection: timed out at. What is sent through a relay it cannot read.',
    });
    expect(words({ ...relayed, why: 'Failed to hole-punch connection: Giving up after 3 dial attempts' }).why).toMatch(
      /^No direct connection: both sides tried, and neither got through\./,
    );
    expect(words({ ...relayed, through: null, why: null })).toMatchObject({
      badge: 'relayed',
      why: 'No direct connection so far. What is sent through a relay it cannot read.',
    });
  });

  it('not at all, and since when', () => {
    expect(words({ state: 'away', why: 'nobody answers at /ip4/10.0.0.1/tcp/1' })).toEqual({
      badge: 'away',
      more: 'not seen yet',
      why: 'Nobody answers where it was last. It is looked for again and again.',
    });
    expect(words({ state: 'away', why: null }, Date.now()).more).toMatch(/^last seen /);
  });

  it('and whether this node is reached through them', () => {
    const of = (relay: Peer['relay']) => relayWords(t, { name: 'Hut', relay });
    expect(of(null)).toBeUndefined();
    expect(of({ state: 'reserved' })).toBe('This node is reached through Hut.');
    expect(of({ state: 'asked' })).toBe('Hut is being asked whether this node can be reached through it.');
    expect(of({ state: 'refused', why: 'timed out' })).toBe('Hut does not relay for this node now: timed out');
  });
});
