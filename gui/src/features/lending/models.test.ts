import { expect, it } from 'vitest';
import { engineFor, modelsOf, serversOf } from './models';

const ollama = { url: 'http://127.0.0.1:11434', software: 'Ollama', models: ['a', 'b'] };
const other = { url: 'http://127.0.0.1:18080', software: 'llama.cpp', models: ['c'] };

it('a server at a typed address goes first, and none stands there twice', () => {
  expect(serversOf()).toEqual([]);
  expect(serversOf([ollama], [other])).toEqual([other, ollama]);
  expect(serversOf([ollama, other], [other])).toEqual([other, ollama]);
});

it('models know their server', () => {
  expect(modelsOf([other, ollama])).toEqual([
    { server: other.url, model: 'c' },
    { server: ollama.url, model: 'a' },
    { server: ollama.url, model: 'b' },
  ]);
});

it('an engine is called like its model, in short', () => {
  expect(['smollm2', 'qwen3:8b', 'hf.co/somebody/Qwen3-8B-GGUF:Q4_K_M'].map(engineFor)).toEqual([
    'smollm2',
    'qwen3-8b',
    'qwen3-8b-gguf-q4-k-m',
  ]);
});
