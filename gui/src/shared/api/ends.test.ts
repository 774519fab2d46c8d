import { describe, expect, it } from 'vitest';
import { Ends, noteStarted } from './ends';

describe('the end of a run', () => {
  it('is news once, when the run was seen going', () => {
    const ends = new Ends();
    expect(ends.isNews('a', 'running')).toBe(false);
    expect(ends.isNews('a', 'succeeded')).toBe(true);
    expect(ends.isNews('a', 'succeeded')).toBe(false);
  });

  it('is no news when the run was over before and is only looked at', () => {
    expect(new Ends().isNews('old', 'failed')).toBe(false);
  });

  it('is news once when this page started it, however soon it was over and whoever looks', () => {
    noteStarted('quick');
    expect(new Ends().isNews('quick', 'succeeded')).toBe(true);
    expect(new Ends().isNews('quick', 'succeeded')).toBe(false);
  });

  it('of another run is no news of the one that goes', () => {
    const ends = new Ends();
    ends.isNews('a', 'running');
    expect(ends.isNews('b', 'failed')).toBe(false);
  });

  it('is forgotten of the oldest when very many were started', () => {
    for (let run = 0; run <= 1_000; run += 1) noteStarted(`many ${run}`);
    expect(new Ends().isNews('many 0', 'succeeded')).toBe(false);
    expect(new Ends().isNews('many 1', 'succeeded')).toBe(true);
  });
});
