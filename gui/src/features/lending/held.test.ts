import { expect, it } from 'vitest';
import type { Grant } from '@/shared/api/types';
import { heldOf } from './held';

const grant = (id: string, begins_at: number, ends_at: number, more: object = {}): Grant =>
  ({
    id,
    begins_at,
    ends_at,
    is_given: false,
    owner: 'ben',
    engine: 'bench',
    can: ['chat', 'run:report'],
    limits: { concurrent: 1 },
    depth: 0,
    links: ['one'],
    revoked_at: null,
    renewed_as: null,
    ...more,
  }) as unknown as Grant;
const renewed = (...all: Grant[]) => heldOf(all).map((it) => it.renewed_as ?? null);

it('what its owner renewed is the one before no more', () => {
  expect(renewed(grant('old', 1, 9), grant('new', 5, 14, { can: ['run:report', 'chat'] }))).toEqual(['new', null]);
});

it('another grant is not taken for a renewal: other terms, an earlier end, one that was taken back', () => {
  const old = grant('old', 1, 9);
  expect(renewed(old, grant('more', 5, 14, { limits: { concurrent: 2 } }))).toEqual([null, null]);
  expect(renewed(old, grant('shorter', 5, 8))).toEqual([null, null]);
  expect(renewed(old, grant('gone', 5, 14, { revoked_at: 6 }))).toEqual([null, null]);
  expect(heldOf([old, grant('given', 1, 20, { is_given: true })]).map((it) => it.id)).toEqual(['old']);
});
