import { expect, it } from 'vitest';
import type { Difference } from '@/shared/api/types';
import { grouped, isOnlyTime } from './compare-groups';

it('differences are grouped by run and port, and what is told in a line stands apart from items', () => {
  const all: Difference[] = [
    { kind: 'variable', place: 'least', before: 30, after: 20 },
    { run: 's1', kind: 'status', before: 'failed', after: 'succeeded' },
    { run: 's1', kind: 'items_out', port: 'out', before: 1, after: 40 },
    { run: 's1', kind: 'item', port: 'out', place: '7', before: { json: 1 }, after: null },
    { run: 's1', kind: 'more_items', port: 'out', before: 12, after: 12 },
    { run: 's1', kind: 'items_unread', port: 'bad', before: 9_000, after: 9_001 },
  ];
  expect(grouped(all)).toEqual([
    { run: '', facts: [all[0]], ports: [] },
    {
      run: 's1',
      facts: [all[1]],
      ports: [
        {
          port: 'out',
          counts: [1, 40],
          pairs: [{ index: 7, before: { json: 1 }, after: null }],
          more: 12,
          unread: undefined,
        },
        { port: 'bad', counts: undefined, pairs: [], more: 0, unread: [9_000, 9_001] },
      ],
    },
  ]);
});

it('runs that differ in nothing but their time are told from the others', () => {
  const took: Difference = { run: 's1', kind: 'duration', before: 1, after: 9 };
  const only = (...all: Difference[]) => grouped(all).map(isOnlyTime);
  expect(only(took)).toEqual([true]);
  expect(only(took, { run: 's1', kind: 'items_in', before: 1, after: 2 })).toEqual([false]);
  expect(only(took, { run: 's1', kind: 'items_out', port: 'out', before: 1, after: 2 })).toEqual([false]);
});
