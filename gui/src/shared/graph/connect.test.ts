import { describe, expect, it } from 'vitest';
import type { Manifest } from '../api/types';
import { Connections } from './connect';
import { CARD_WIDTH, type Card, type Graph, type Wire } from './model';
import { ranked } from './ranking';

const card = (id: string, inputs: string[], outputs: string[], more: Partial<Card> = {}): Card => ({
  id,
  name: id,
  component: 'set',
  title: id,
  category: '',
  kind: 'step',
  inputs,
  outputs,
  isPinned: false,
  isDisabled: false,
  note: '',
  x: 0,
  y: 0,
  width: CARD_WIDTH,
  height: 64,
  ...more,
});
const wire = (text: string): Wire => {
  const [from = '', to = ''] = text.split('>');
  const end = (of: string, port: string) => ({ step: of.split(':')[0] ?? '', port: of.split(':')[1] ?? port });
  return { id: text, from: end(from, 'out'), to: end(to, 'in') };
};
const step = (id: string, x = 0) => card(id, ['in'], ['out'], { x });
const loop = (id: string) => card(id, ['in', 'back'], ['loop', 'done'], { component: 'loop' });
const graph = (cards: Card[], wires: string[]): Graph => ({ cards, wires: wires.map(wire) });
const refusal = (of: Graph, text: string, without?: string) => {
  const { from, to } = wire(text);
  return new Connections(of, without).refusal(from, to);
};

describe('two ports', () => {
  const start = card('start', [], ['out'], { kind: 'trigger' });
  const line = graph([start, step('a', 300), step('b', 600)], ['start>a', 'a>b']);

  it.each([
    ['start>b', undefined],
    ['a>a', 'same-step'],
    ['a>b', 'same-wire'],
    ['a>start', 'trigger-input'],
    ['a:nothing>b', 'no-port'],
    ['b>a', 'cycle'],
  ])('%s: %s', (text, expected) => {
    expect(refusal(line, text)).toBe(expected);
  });

  it('may take the place of their own wire', () => {
    expect(refusal(line, 'a>b', 'a>b')).toBeUndefined();
  });

  it('are listed nearest first', () => {
    expect(new Connections(line).targets({ step: 'start', port: 'out' }).map((end) => end.step)).toEqual(['b']);
    expect(new Connections(line).sources({ step: 'b', port: 'in' }).map((end) => end.step)).toEqual(['start']);
  });
});

describe('loops', () => {
  const looped = graph(
    [step('first'), loop('each'), step('work'), step('after'), step('free')],
    ['first>each', 'each:loop>work', 'each:done>after'],
  );

  it.each([
    ['work>each:back', undefined],
    ['each:loop>each:back', undefined],
    ['work>each', 'cycle'],
    ['first>work', 'into-loop'],
    ['after>each:back', 'back-from-outside'],
    ['work>free', undefined],
    ['work>after', 'fed-from-outside'],
    ['each:done>free', undefined],
  ])('%s: %s', (text, expected) => {
    expect(refusal(looped, text)).toBe(expected);
  });
});

describe('finding components', () => {
  const manifest = (name: string, title: string, category: string, docs = ''): Manifest =>
    ({ name, title, category, docs, summary: '', kind: 'module', inputs: [], outputs: [] }) as unknown as Manifest;
  const all = [
    manifest('http-request', 'HTTP request', 'Network', 'Sends a request.'),
    manifest('split-out', 'Split out', 'Items', 'Makes an item of each element of a list.'),
    manifest('respond', 'Respond to webhook', 'Flow', 'Answers the HTTP request.'),
    manifest('python', 'Python', 'Code', 'Runs a script.'),
  ];
  const found = (query: string) => ranked(all, query).map((it) => it.name);

  it('goes by title before docs', () => {
    expect(found('http')).toEqual(['http-request', 'respond']);
    expect(found('request')).toEqual(['http-request', 'respond']);
  });
  it('wants every word', () => expect(found('http answers')).toEqual(['respond']));
  it('takes names as files write them', () => expect(found('http-request')).toEqual(['http-request', 'respond']));
  it('knows categories', () => expect(found('code')).toEqual(['python']));
  it('takes letters in order for a name', () => expect(found('sptt')).toEqual(['split-out']));
  it('finds nothing for nonsense', () => expect(found('zzz')).toEqual([]));
  it('shows all when nothing is typed', () => expect(found('')).toHaveLength(4));
});
