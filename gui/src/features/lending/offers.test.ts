import { describe, expect, it } from 'vitest';
import type { Offer } from '@/shared/api/types';
import { messages } from '@/shared/i18n/messages';
import { fullAddress, offerLabel, offerName, offerUse, plainAddress, serverWords } from './offers';

const t = messages();
const report: Offer = { kind: 'run', name: 'report', preset: 'p', version: 'v' };
const component: Offer = { kind: 'run', name: 'tool-csv-parse-9c137267', preset: 'p', version: 'v' };
const model: Offer = { kind: 'chat', server: 'http://127.0.0.1:11434', model: 'smollm2' };

const all = [
  ['run:report', report],
  ['tool:csv-parse', component],
  ['chat', model],
] as const;

describe('what an engine offers', () => {
  it('is called by the workflow, the component or the model', () => {
    expect(all.map(([can, it]) => offerName(t, can, it))).toEqual(['report', 'Component csv-parse', 'Model smollm2']);
    const uses = ['report', 'Component csv-parse', 'ask its model, smollm2'];
    expect(all.map(([can, it]) => offerUse(t, can, it))).toEqual(uses);
  });

  it('is told apart by the engine, unless that has the same name', () => {
    expect(offerLabel(t, 'report', 'run:report', report)).toBe('report');
    expect(offerLabel(t, 'workshop', 'run:report', report)).toBe('report · workshop');
    expect(offerLabel(t, 'csv-parse', 'tool:csv-parse', component)).toBe('Component csv-parse');
    expect(offerLabel(t, 'gpu', 'chat', model)).toBe('Model smollm2 · gpu');
  });
});

describe('the address of a model server', () => {
  it('is read without how it is spoken to, and typed with or without', () => {
    expect(plainAddress('http://127.0.0.1:11434/')).toBe('127.0.0.1:11434');
    expect(plainAddress('https://localhost')).toBe('https://localhost');
    expect(fullAddress(' localhost:8080 ')).toBe('http://localhost:8080');
    expect(fullAddress('https://localhost')).toBe('https://localhost');
  });

  it('stands behind what answers there', () => {
    expect(serverWords(t, 'http://127.0.0.1:11434', 'Ollama')).toBe('Ollama at 127.0.0.1:11434');
    expect(serverWords(t, 'http://127.0.0.1:1', 'model server')).toBe('model server at 127.0.0.1:1');
    expect(serverWords(t, 'http://127.0.0.1:1', undefined)).toBe('model server at 127.0.0.1:1');
  });
});
