import { expect, it } from 'vitest';
import type { MeshDecision } from '@/shared/api/types';
import { hasLeft } from './has-left';

const decision = (kind: string, peer = 'ana') => ({ kind, peer }) as MeshDecision;

it('a friend who removed this node has left, until they are paired again', () => {
  const removed = [decision('grant-lost'), decision('removed-by-peer'), decision('paired')];
  expect(hasLeft('ana', removed)).toBe(true);
  expect(hasLeft('ben', removed)).toBe(false);
  expect(hasLeft('ana', [decision('paired'), ...removed])).toBe(false);
  expect(hasLeft('ana', [])).toBe(false);
});
