import { describe, expect, it } from 'vitest';
import { optionsOf } from './options';

describe('the options of a component', () => {
  it('are read from its schema, choices and defaults included', () => {
    const schema = {
      properties: {
        title: { type: 'string', description: 'The question.' },
        on_expiry: { oneOf: [{ const: 'reject' }, { const: 'approve' }], default: 'reject' },
        batch: { type: ['integer', 'null'], default: null },
      },
      required: ['title'],
    };
    expect(optionsOf(schema)).toEqual([
      { name: 'title', types: ['string'], docs: 'The question.', isRequired: true, choices: [], fallback: undefined },
      { name: 'on_expiry', types: [], docs: '', isRequired: false, choices: ['reject', 'approve'], fallback: 'reject' },
      { name: 'batch', types: ['integer'], docs: '', isRequired: false, choices: [], fallback: undefined },
    ]);
    expect(optionsOf(true)).toEqual([]);
  });
});
