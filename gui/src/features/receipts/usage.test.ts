import { expect, it } from 'vitest';
import { messages } from '@/shared/i18n/messages';
import { addedEnergy, energyWords, usageWords } from './usage';

it('tokens are told where a model was asked', () => {
  const usage = { work_ms: 2_189, bytes_in: 98, bytes_out: 0, tokens_in: 54, tokens_out: 1_171 };
  expect(usageWords(messages(), usage)).toBe('2.2 s of work · 98 B in, 0 B out · 54 tokens read, 1,171 written');
  expect(usageWords(messages(), { ...usage, tokens_in: 0, tokens_out: 0 })).toBe('2.2 s of work · 98 B in, 0 B out');
});

it('an estimate of energy has no more digits than it is good for', () => {
  const t = messages();
  expect(energyWords(t, 0.04)).toBe('about 0 Wh');
  expect(energyWords(t, 7.26)).toBe('about 7.3 Wh');
  expect(energyWords(t, 123.4)).toBe('about 123 Wh');
  expect(energyWords(t, 4_321)).toBe('about 4.3 kWh');
  expect(addedEnergy(null, undefined)).toBeNull();
  expect(addedEnergy(null, 2)).toBe(2);
  expect(addedEnergy(1, 2)).toBe(3);
});
