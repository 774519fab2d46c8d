import { expect, test } from 'vitest';
import type { DrawnPreset } from '../types';
import { lostMentions } from './mentions';

const lost = (component: string, config: Record<string, unknown>) =>
  lostMentions({
    flowork: 'preset/1',
    name: 'x',
    steps: { a: { component: 'set', name: 'Ana’s list' }, b: { component, config } },
    triggers: { start: { component: 'manual', name: 'Begin' } },
  } as DrawnPreset).map(({ path, name }) => [path.join('.'), name]);

test('a name that no card has is found where it stands', () => {
  expect(lost('set', { fields: { x: "{{ $('Gone').item.json.a }}", y: ['{{ $("Lost").all() }}'] } })).toEqual([
    ['fields.x', 'Gone'],
    ['fields.y.0', 'Lost'],
  ]);
  expect(lost('code', { code: "return $('Gone').all().concat($('Gone', 'out'))" })).toEqual([['code', 'Gone']]);
  expect(lost('if', { condition: "$('Gone').item.json.ok" })).toEqual([['condition', 'Gone']]);
});

test('names of steps and triggers, and ids, are there', () => {
  expect(lost('set', { fields: { x: "{{ $('Ana’s list').item.json.a + $('a').item + $('Begin').item }}" } })).toEqual(
    [],
  );
});

test('what only looks like a mention is none', () => {
  expect(lost('set', { fields: { page: "<script>$('#menu').hide()</script> {{ $json.a }}" } })).toEqual([]);
  expect(lost('bash', { code: "echo $('ls')" })).toEqual([]);
});
