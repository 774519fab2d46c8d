import { describe, expect, it } from 'vitest';
import { askingPreset, borrowingPreset } from './borrowing-preset';

describe('a workflow that borrows', () => {
  const words = { title: 'report at Ben', start: 'Start', step: 'report at Ben' };

  it('runs the friend’s workflow with what it is started with', () => {
    const preset = borrowingPreset({ engine: 'workshop', peer: 'Ben' }, { preset: 'report' }, words);
    expect(preset).toMatchObject({
      name: 'report-at-ben',
      triggers: { start: { component: 'manual' } },
      steps: { borrow: { component: 'borrow', config: { preset: 'report', peer: 'Ben', engine: 'workshop' } } },
      wires: { w1: { from: { step: 'start' }, to: { step: 'borrow' } } },
    });
  });

  it('asks anybody when its owner is no friend any more', () => {
    const { steps } = borrowingPreset({ engine: 'w', peer: undefined }, { preset: 'report' }, words);
    expect(steps?.borrow?.config).toEqual({ preset: 'report', engine: 'w' });
  });

  it('calls a single component by its own name', () => {
    const { steps } = borrowingPreset({ engine: 'w', peer: 'Ben' }, { tool: 'csv-parse' }, words);
    expect(steps?.borrow?.config).toEqual({ tool: 'csv-parse', peer: 'Ben', engine: 'w' });
  });
});

describe('a workflow that asks a friend’s model', () => {
  it('asks it something at once, so that it can be tried', () => {
    const words = { title: 'Ask gpu of Ben', start: 'Start', step: 'Ask gpu of Ben' };
    const preset = askingPreset({ engine: 'gpu', peer: 'Ben' }, 'Say hello.', words);
    expect(preset).toMatchObject({
      name: 'ask-gpu-of-ben',
      steps: {
        ask: { component: 'chat', config: { prompt: 'Say hello.', at: 'friend', peer: 'Ben', engine: 'gpu' } },
      },
      wires: { w1: { from: { step: 'start' }, to: { step: 'ask' } } },
    });
  });
});
