import { describe, expect, it } from 'vitest';
import { readFilter, spanOf, toggled, writeFilter } from './filter';

describe('the filter in the address', () => {
  it('is read as it was written', () => {
    const filter = readFilter({ state: 'failed,running', text: 'ada', preset: 'tour', since: '24h' }, 100_000_000);
    expect(filter).toEqual({ states: ['running', 'failed'], text: 'ada', preset: 'tour', since: 13_600_000 });
    expect(writeFilter(filter, '24h')).toEqual({ state: 'running,failed', text: 'ada', preset: 'tour', since: '24h' });
  });
  it('leaves out what it does not know', () => {
    expect(readFilter({ state: 'odd', since: 'ever', text: 42 })).toEqual({
      states: [],
      text: '42',
      preset: '',
      since: undefined,
    });
    expect(spanOf('toString')).toBeUndefined();
  });
  it('turns a state on and off', () => {
    expect(toggled(['failed'], 'running')).toEqual(['failed', 'running']);
    expect(toggled(['failed', 'running'], 'failed')).toEqual(['running']);
  });
});
