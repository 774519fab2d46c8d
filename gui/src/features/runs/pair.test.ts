import { expect, it } from 'vitest';
import type { Job } from '@/shared/api/types';
import { pairOf } from './pair';

const job = (id: string, name: string, accepted_at: number) => ({ id, name, accepted_at }) as Job;

it('two runs of one workflow are a pair, the earlier first, however they were chosen', () => {
  const pair = { older: 'a', newer: 'b' };
  expect(pairOf([job('a', 'orders', 1), job('b', 'orders', 2)])).toEqual(pair);
  expect(pairOf([job('b', 'orders', 2), job('a', 'orders', 1)])).toEqual(pair);
});

it('one run, three, or runs of two workflows are none', () => {
  const [a, b, c] = [job('a', 'orders', 1), job('b', 'orders', 2), job('c', 'other', 3)];
  expect([pairOf([a]), pairOf([a, b, b]), pairOf([a, c]), pairOf([])]).toEqual(Array(4).fill(undefined));
});
