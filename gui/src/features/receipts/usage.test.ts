import { expect, it } from 'vitest';
import { messages } from '@/shared/i18n/messages';
import { usageWords } from './usage';

it('tokens are told where a model was asked', () => {
  const usage = { work_ms: 2_189, bytes_in: 98, bytes_out: 0, tokens_in: 54, tokens_out: 1_171 };
  expect(usageWords(messages(), usage)).toBe('2.2 s of work · 98 B in, 0 B out · 54 tokens read, 1,171 written');
  expect(usageWords(messages(), { ...usage, tokens_in: 0, tokens_out: 0 })).toBe('2.2 s of work · 98 B in, 0 B out');
});
