import { describe, expect, it } from 'vitest';
import type { Offer } from '@/shared/api/types';
import { messages } from '@/shared/i18n/messages';
import { heldWords, policyTexts, readPolicy, thenWords, whenWords, withProgram } from './policy';

const t = messages();
const night = { from: '22:00', to: '7:00' };
const report: Offer = { kind: 'run', name: 'report', preset: 'p', version: 'v' };
const model: Offer = { kind: 'chat', server: 'http://127.0.0.1:11434', model: 'smollm2' };

describe('when an engine is lent', () => {
  it('is said by hours and programs, and nothing is said at any time', () => {
    const said = (policy: Parameters<typeof whenWords>[1]) => whenWords(t, policy);
    expect(said({ hours: night, not_while: ['blender'] })).toBe('From 22:00 to 07:00 · not while blender runs');
    expect(said({ hours: night, not_while: [] })).toBe('From 22:00 to 07:00');
    expect(said({ hours: null, not_while: ['blender', 'steam'] })).toBe('Not while blender or steam runs');
    expect(said({ hours: null, not_while: [] })).toBeUndefined();
    expect(said(undefined)).toBeUndefined();
    expect(said({ power_watts: 180 })).toBeUndefined();
    const caps = { memory_percent: 80, gpu_percent: 30, gpu_memory_percent: 50, watts: 250 };
    expect(said({ away_minutes: 1, not_full_screen: true, ...caps })).toBe(
      'After 1 minute without use · not while a program fills the screen · memory below 80 % · graphics card below 30 % · graphics memory below 50 % · below 250 W',
    );
  });

  it('is said when it takes none now, even for a reason that is newer than this page', () => {
    expect(heldWords(t, 'until 7:00')).toBe('Takes no runs until 07:00');
    expect(heldWords(t, 'while my program runs')).toBe('Takes no runs while my program runs');
    expect(heldWords(t, 'while the machine is in use')).toBe('Takes no runs while the machine is in use');
    expect(heldWords(t, 'while 82 % of its memory is in use')).toBe('Takes no runs while 82 % of the memory is in use');
    expect(heldWords(t, 'while its graphics card is 45 % busy')).toMatch(/45 % busy/);
    expect(heldWords(t, 'until it has drawn less than 150 W for a while')).toMatch(/below its cap/);
    expect(heldWords(t, 'because `watts` cannot be kept: it is gone')).toBe(
      'Takes no runs: `watts` cannot be kept: it is gone',
    );
    expect(heldWords(t, 'at full moon')).toBe('Takes no runs now');
    expect(heldWords(t, null)).toBeUndefined();
  });

  it('is said what becomes of runs, and of answers where a model is lent', () => {
    expect(thenWords(t, { 'run:report': report })).not.toContain('answer');
    expect(thenWords(t, { chat: model })).not.toContain('step');
    expect(thenWords(t, { chat: model, 'run:report': report })).toMatch(/next step .*; an answer/);
  });
});

const ANY_TIME = {
  hours: null,
  not_while: [],
  not_full_screen: false,
  away_minutes: null,
  memory_percent: null,
  gpu_percent: null,
  gpu_memory_percent: null,
  watts: null,
  power_watts: null,
};

describe('the dialog', () => {
  it('makes what it was opened with', () => {
    const policy = {
      hours: { from: '22:00', to: '07:00' },
      not_while: ['blender'],
      not_full_screen: true,
      away_minutes: 10,
      memory_percent: 80,
      gpu_percent: 30,
      gpu_memory_percent: 50,
      watts: 250,
      power_watts: 180,
    };
    expect(readPolicy(policyTexts(policy))).toEqual(policy);
    expect(readPolicy(policyTexts(undefined))).toEqual(ANY_TIME);
  });

  it('makes none of numbers that are none', () => {
    const texts = policyTexts(undefined);
    const typed = (numbers: Partial<typeof texts.numbers>) =>
      readPolicy({ ...texts, numbers: { ...texts.numbers, ...numbers } });
    expect(typed({ away: ' 10 ' })?.away_minutes).toBe(10);
    expect(typed({ memory: '99' })?.memory_percent).toBe(99);
    for (const wrong of [{ memory: '100' }, { away: '0' }, { watts: '1.5' }, { gpu: 'much' }, { draws: '10001' }]) {
      expect(typed(wrong)).toBeUndefined();
    }
  });

  it('adds a program once, and one that was only typed is not lost', () => {
    const typed = { ...policyTexts({ hours: null, not_while: ['blender'] }), program: ' steam ' };
    expect(readPolicy(typed)?.not_while).toEqual(['blender', 'steam']);
    expect(withProgram(typed)).toMatchObject({ programs: ['blender', 'steam'], program: '' });
    expect(withProgram({ ...typed, program: 'blender' }).programs).toEqual(['blender']);
  });

  it('makes none of hours that are no time, or of a path', () => {
    const texts = policyTexts({ hours: night, not_while: [] });
    expect(readPolicy({ ...texts, to: texts.from })).toBeUndefined();
    expect(readPolicy({ ...texts, to: '' })).toBeUndefined();
    expect(readPolicy({ ...texts, isAnyTime: true, to: '' })).toEqual(ANY_TIME);
    expect(readPolicy({ ...texts, program: '/usr/bin/blender' })).toBeUndefined();
    expect(readPolicy({ ...texts, program: 'x'.repeat(65) })).toBeUndefined();
  });
});
