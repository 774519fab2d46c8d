import { describe, expect, it } from 'vitest';
import type { AccessRequest, Engine } from '@/shared/api/types';
import { messages } from '@/shared/i18n/messages';
import { answerTo, lackingWords, requestWords } from './request-words';

const t = messages();
const asks = (more: object): AccessRequest =>
  ({ id: '1', node: 'n', from: 'Ana', engine: null, can: [], note: '', at: 1, ...more }) as unknown as AccessRequest;
const engine = (name: string, ...can: string[]): Engine =>
  ({ name, offers: Object.fromEntries(can.map((it) => [it, {}])) }) as unknown as Engine;

describe('what a friend asks for', () => {
  it('is a sentence, whatever they said', () => {
    const said = (more: object) => requestWords(t, asks(more));
    expect(said({ engine: 'gpu', can: ['chat'] })).toBe('Ana would like to use gpu for chat with its model');
    expect(said({ can: ['run:report', 'tool:csv-parse'] })).toBe(
      'Ana would like to use report and the component csv-parse',
    );
    expect(said({ engine: 'gpu' })).toBe('Ana would like to use gpu');
    expect(said({})).toBe('Ana would like to use something of yours');
  });
});

describe('the answer to it begins', () => {
  const engines = [engine('shop', 'run:report', 'run:small'), engine('gpu', 'chat', 'run:report')];

  it('with the engine that was named, and only with what was asked for', () => {
    const answer = answerTo(asks({ engine: 'gpu', can: ['run:report'] }), engines);
    expect(answer).toEqual({ engine: 'gpu', left: ['chat'], lacks: [] });
  });

  it('with the engine that offers most of it, where none was named or the named one is not there', () => {
    expect(answerTo(asks({ can: ['run:small'] }), engines).engine).toBe('shop');
    expect(answerTo(asks({ engine: 'box', can: ['chat', 'run:report'] }), engines).engine).toBe('gpu');
    expect(answerTo(asks({ engine: 'shop', can: ['chat'] }), engines).engine).toBe('gpu');
  });

  it('with everything, where nothing of it is lent or nothing was named, and says what is not', () => {
    expect(answerTo(asks({ can: ['run:none'] }), engines)).toEqual({ engine: 'shop', left: [], lacks: ['run:none'] });
    expect(answerTo(asks({ engine: 'gpu' }), engines)).toEqual({ engine: 'gpu', left: [], lacks: [] });
    expect(lackingWords(t, ['run:none', 'chat'])).toBe('You lend nothing of this: none and chat with its model.');
    expect(answerTo(asks({ can: ['chat'] }), [])).toEqual({ engine: undefined, left: [], lacks: ['chat'] });
  });
});
