import { describe, expect, it } from 'vitest';
import { ApiError } from '@/shared/api/problem';
import type { Manifest } from '@/shared/api/types';
import recorded from '@/shared/forms/recorded/components.json';
import { formOf } from '@/shared/forms/schema';
import { messages } from '@/shared/i18n/messages';
import { isWhole, lendable, refusedFields, secretsSaid } from './tool';

const t = messages();
const all = recorded as unknown as Manifest[];
const form = (name: string) => formOf(name, all.find((it) => it.name === name)?.config);

describe('a component that is to be lent alone', () => {
  it('works on the items of one input: nothing that starts, leads or joins runs', () => {
    const names = new Set(lendable(all).flatMap(([, list]) => list.map((it) => it.name)));
    expect(['csv-parse', 'http-request', 'python', 'chat'].every((it) => names.has(it))).toBe(true);
    expect(['manual', 'webhook', 'approval', 'borrow', 'loop', 'merge'].filter((it) => names.has(it))).toEqual([]);
  });

  it('stands among those of its category, by title', () => {
    for (const [category, list] of lendable(all)) {
      expect(new Set(list.map((it) => it.category))).toEqual(new Set([category]));
      const titles = list.map((it) => it.title);
      expect(titles).toEqual([...titles].sort((one, other) => one.localeCompare(other)));
    }
  });

  it('can be lent once all that it needs is set', () => {
    expect(isWhole(t, form('http-request'), { url: '' })).toBe(false);
    expect(isWhole(t, form('http-request'), { url: 'https://example.org' })).toBe(true);
    expect(isWhole(t, form('csv-parse'), {})).toBe(true);
  });

  it('cannot name a secret, wherever that would stand', () => {
    const config = { url: 'https://example.org', auth: { basic: { user: 'ana', password: 'shop' } } };
    expect(secretsSaid(t, form('http-request'), config).map(([at]) => at)).toEqual(['/auth/basic/password']);
    expect(isWhole(t, form('http-request'), config)).toBe(false);
  });
});

it('what the node says about a field is told at the field', () => {
  const problems = [
    { severity: 'error', code: 'a', place: '/steps/tool/config/from', message: 'no', suggestion: 'yes' },
    { severity: 'error', code: 'b', place: '/steps/tool/component', message: 'unknown', suggestion: null },
  ];
  const error = new ApiError(422, { problems } as unknown as ConstructorParameters<typeof ApiError>[1]);
  expect(refusedFields(error)).toEqual([['/from', [{ severity: 'error', text: 'no', hint: 'yes' }]]]);
  expect(refusedFields(new Error('gone'))).toEqual([]);
});
