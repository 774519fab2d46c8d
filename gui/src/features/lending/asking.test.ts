import { expect, it } from 'vitest';
import { NOTHING_ASKED, requestOf } from './asking';

it('a request says what for, and the rest only where something stands', () => {
  const asking = (more: object) => requestOf({ ...NOTHING_ASKED, ...more });
  expect(asking({ name: ' report ' })).toEqual({ can: ['run:report'] });
  expect(asking({ wish: 'component', name: 'csv-parse', note: 'please ' })).toEqual({
    can: ['tool:csv-parse'],
    note: 'please',
  });
  expect(asking({ wish: 'model', name: 'left over', engine: 'gpu' })).toEqual({ can: ['chat'], engine: 'gpu' });
  expect(asking({ wish: 'other', note: 'your printer' })).toEqual({ can: [], note: 'your printer' });
});

it('there is none while nothing is said', () => {
  const asking = (more: object) => requestOf({ ...NOTHING_ASKED, ...more });
  expect([asking({}), asking({ wish: 'component', note: 'please' }), asking({ wish: 'other', name: 'x' })]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
