import { describe, expect, it } from 'vitest';
import type { Grant } from '../api/types';
import { messages } from '../i18n/messages';
import { plainWhy } from './addresses';
import { plainDecision, plainReason } from './plain-text';

describe('what the node says about friends', () => {
  it('is told without ids', () => {
    expect(plainDecision('Ben (12D3KooWGYyC5fSfX7gJW6ozLdAm) is paired')).toBe('Ben is paired');
    expect(plainDecision('the grant 998165916dae was taken back: Ben was removed')).toBe(
      'the grant was taken back: Ben was removed',
    );
    expect(plainDecision('the engine thumbs may be lent for run:thumbs, run:small')).toBe(
      'the engine thumbs may be lent for thumbs, small',
    );
  });

  it('names what a grant is for instead of its id', () => {
    const t = messages();
    const grant = { id: '7d7db9ec5c29aa', engine: 'workshop', can: ['run:report'] } as unknown as Grant;
    expect(plainReason(t, 'grant 7d7db9ec5c29: allowed until Thu', [grant])).toBe(
      'workshop, report: allowed until Thu',
    );
    const asking = { id: '1d7db9ec5c29aa', engine: 'gpu', can: ['chat'] } as unknown as Grant;
    expect(plainReason(t, 'grant 1d7db9ec5c29: allowed', [grant, asking])).toBe('gpu, chat with its model: allowed');
    expect(plainReason(t, 'grant 000000000000: no', [grant])).toBe('no');
    expect(plainReason(t, 'Ana was given no grant', [grant])).toBe('Ana was given no grant');
  });

  it('is told without addresses', () => {
    expect(plainWhy('nobody answers at /ip4/127.0.0.1/tcp/1 (Connection refused (os error 111))')).toBeUndefined();
    expect(plainWhy('cannot listen at /ip4/10.0.0.1/tcp/4: taken')).toBe('cannot listen at taken');
    expect(plainWhy('it hung up')).toBe('it hung up');
  });
});
