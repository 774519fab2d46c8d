import { expect, it } from 'vitest';
import type { Engine, Grant } from '../api/types';
import { lentNames } from './lent-names';
import type { LentName } from './schema';

const held = (engine: string, can: readonly string[], more: object = {}): Grant =>
  ({ is_given: false, engine, can, ends_at: 100, revoked_at: null, ...more }) as unknown as Grant;
const GRANTS = [
  held('workshop', ['run:report', 'run:small']),
  held('gpu', ['chat']),
  held('bench', ['tool:csv-parse']),
  held('both', ['chat', 'run:report']),
  held('old', ['chat', 'run:old'], { ends_at: 9 }),
  held('given', ['chat', 'run:given'], { is_given: true }),
];
const ENGINES = [
  { name: 'mine', offers: { chat: {} } },
  { name: 'small', offers: { 'run:small': {} } },
] as unknown as Engine[];

it('each field is offered only the names that fit it', () => {
  const names = (suggest: LentName) => lentNames(suggest, GRANTS, ENGINES, 10);
  expect(names('lent')).toEqual(['report', 'small']);
  expect(names('tool')).toEqual(['csv-parse']);
  expect(names('engine')).toEqual(['workshop', 'bench', 'both']);
  expect(names('asked')).toEqual(['mine', 'gpu', 'both']);
});
