import { expect, it } from 'vitest';
import type { OwnNode } from '@/shared/api/types';
import { byLife, lifeOf } from './own-nodes';

const node = (name: string, more: object = {}): OwnNode =>
  ({ node: name, name, is_this: false, at: 1, ends_at: 100, revoked_at: null, ...more }) as unknown as OwnNode;

it('a node is its person’s until it ends or is taken back', () => {
  expect([99, 100].map((now) => lifeOf(node('a'), now))).toEqual(['good', 'ended']);
  expect(lifeOf(node('a', { revoked_at: 5 }), 200)).toBe('taken_back');
});

it('this node stands first, and what was somebody’s stands apart', () => {
  const nodes = [node('b'), node('z', { is_this: true }), node('a'), node('old', { ends_at: 9 })];
  const { good, over } = byLife(nodes, 10);
  expect(good.map((it) => it.name)).toEqual(['z', 'a', 'b']);
  expect(over.map((it) => it.name)).toEqual(['old']);
});
