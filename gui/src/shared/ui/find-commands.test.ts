import { describe, expect, it } from 'vitest';
import { findCommands } from './find-commands';

const all = [
  { title: 'Go to runs', group: 'Pages' },
  { title: 'Run all', group: 'Designer' },
  { title: 'New workflow', group: 'Workflows' },
  { title: 'Café überall', group: 'Workflows', words: 'cafe-report' },
  { title: 'Turn on the light theme', group: 'Look' },
];
const found = (typed: string, most = 10) => findCommands(all, typed, most).map((it) => it.title);

describe('finding a command', () => {
  it('finds everything while nothing is typed', () => {
    expect(found('')).toHaveLength(5);
    expect(found('', 2)).toHaveLength(2);
  });
  it('puts what begins with the word first', () => {
    expect(found('run').slice(0, 2)).toEqual(['Run all', 'Go to runs']);
  });
  it('wants every word, in any order', () => {
    expect(found('workflow new')).toEqual(['New workflow']);
    expect(found('workflow xyz')).toEqual([]);
  });
  it('finds by letters in their order', () => {
    expect(found('nwf')).toEqual(['New workflow']);
  });
  it('does not mind accents, and looks beside the title', () => {
    expect(found('uberall')).toEqual(['Café überall']);
    expect(found('cafe-rep')).toEqual(['Café überall']);
    expect(found('look')).toEqual(['Turn on the light theme']);
  });
});
