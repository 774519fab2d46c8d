import { describe, expect, it } from 'vitest';
import { isWhole } from './complete';
import { landInCode, landInTemplate } from './drop';
import { completionsAt, fieldsInScript, type Known } from './known';
import { dataTemplate, dotted, readMembers } from './paths';
import { endOfExpression, expressionAt, piecesOf } from './template';

const known: Known = {
  items: [{ json: { name: 'Ada', 'first name': 'A', lines: [{ sku: 'x' }], amount: 3 } }],
  at: 0,
  variables: { from: 100 },
  steps: [{ name: 'Read orders', sample: { json: { id: 7 } } }, { name: 'load' }],
  secrets: ['api'],
};
const labels = (code: string) => completionsAt(code, code.length, known)?.options.map((it) => it.label);

describe('completions', () => {
  it('end with the word, unless another goes on from it', () => {
    const options = [{ label: 'least', kind: 'property' as const }];
    expect(isWhole('least', options)).toBe(true);
    expect(isWhole('lea', options)).toBe(false);
    expect(isWhole('least', [...options, { label: 'leastOf', kind: 'property' }])).toBe(false);
    expect(isWhole('first name', [{ label: 'first name', kind: 'property', apply: '["first name"]' }])).toBe(false);
  });
  it('name the fields of the items with a sample', () => {
    const found = completionsAt('$json.', 6, known);
    expect(found?.options.find((it) => it.label === 'name')?.detail).toBe('"Ada"');
    expect(found?.from).toBe(6);
  });
  it('replace what is typed already', () => {
    expect(completionsAt('1 + $json.na', 12, known)?.from).toBe(10);
  });
  it('write brackets for names that no dot can precede', () => {
    const found = completionsAt('$json.', 6, known)?.options.find((it) => it.label === 'first name');
    expect(found?.apply).toBe('["first name"]');
  });
  it('go deeper into lists and objects', () => {
    expect(labels('$json.lines[0].')).toEqual(['sku']);
    expect(labels('$json["first name"].')).toContain('toUpperCase');
    expect(labels('$json.lines.')).toContain('map');
    expect(labels('$json.amount.')).toContain('toFixed');
  });
  it('name variables, steps and what steps gave', () => {
    expect(labels('$vars.')).toEqual(['from']);
    expect(labels("$('")).toEqual(['Read orders', 'load']);
    expect(labels("$('Read orders').")).toEqual(['item', 'json', 'first', 'last', 'all']);
    expect(labels("$('Read orders').item.json.")).toEqual(['id']);
    expect(labels("$('Read orders').first().json.")).toEqual(['id']);
  });
  it('close the name of a step unless it is closed already', () => {
    expect(completionsAt("$('lo", 5, known)?.options[1]?.apply).toBe("load')");
    expect(completionsAt("$('lo')", 5, known)?.options[1]?.apply).toBe('load');
  });
  it('begin with the names that expressions know', () => {
    expect(labels('')).toContain('$json');
    expect(labels('1 + Ma')).toContain('Math');
    expect(labels('Math.')).toContain('round');
  });
  it('say nothing about what is unknown', () => {
    expect(labels('$json.nothing.')).toBeUndefined();
    expect(labels('foo.')).toBeUndefined();
  });
  it('name fields in scripts of every language', () => {
    const first = (language: string, line: string) =>
      fieldsInScript(language, line, line.length, known)?.options[0]?.label;
    expect(first('python', "x = item.json['")).toBe('name');
    expect(first('javascript', 'item.json.')).toBe('name');
    expect(first('php', "$item['json']['")).toBe('name');
    expect(first('ruby', "item['json']['")).toBe('name');
    expect(first('perl', '$_->{json}{')).toBe('name');
    expect(first('bash', 'item.json.')).toBeUndefined();
  });
});

describe('the pieces of a template', () => {
  it('end where the expression ends, not inside its texts and braces', () => {
    expect(endOfExpression(' "}}" }}')).toBe(6);
    expect(endOfExpression(' {a: {b: 1}} }}')).toBe(13);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template inside an expression is what is read here.
    expect(endOfExpression(' `${ {a:1}.a }}}` }}')).toBe(18);
    expect(endOfExpression(' open')).toBe(-1);
  });
  it('are texts and expressions in turn', () => {
    expect(piecesOf('a {{ 1 }} b').map((it) => [it.kind, it.from, it.to])).toEqual([
      ['text', 0, 2],
      ['expression', 2, 9],
      ['text', 9, 11],
    ]);
  });
  it('an open expression goes to the end', () => {
    expect(piecesOf('{{ $json.')).toEqual([{ kind: 'expression', from: 0, to: 9, isClosed: false }]);
    expect(expressionAt('{{ $json.', 9)).toEqual({ code: ' $json.', from: 2 });
  });
  it('between expressions there is no code', () => {
    expect(expressionAt('{{ 1 }} x', 9)).toBeUndefined();
    expect(expressionAt('{{ 1 }} x', 4)?.code).toBe(' 1 ');
  });
});

describe('a field that is dropped', () => {
  const on = (text: string, at: number) => {
    const { at: to, insert } = landInTemplate(text, at, ['a']);
    return text.slice(0, to) + insert + text.slice(to);
  };
  it('is an expression between texts, and code where an expression waits for a value', () => {
    expect(on('x y', 2)).toBe('x {{ $json.a }}y');
    expect(on('{{ 1 +  }}', 7)).toBe('{{ 1 + $json.a }}');
    expect(on('{{  }}', 3)).toBe('{{ $json.a }}');
  });
  it('never breaks what it falls on', () => {
    expect(on('{{ $vars.greeting }}!', 12)).toBe('{{ $vars.greeting }}{{ $json.a }}!');
    expect(landInCode('total > 1', 3, ['a'])).toEqual({ at: 5, insert: '$json.a' });
  });
});

describe('paths', () => {
  it('become expressions', () => {
    expect(dataTemplate(['customer', 'first name', 0])).toBe('{{ $json.customer["first name"][0] }}');
    expect(dataTemplate(['id'], 'Read it')).toBe('{{ $("Read it").item.json.id }}');
  });
  it('become names of fields where they have such a form', () => {
    expect(dotted(['a', 0, 'b'])).toBe('a[0].b');
    expect(dotted(['a.b'])).toBeUndefined();
  });
  it('are read back', () => {
    expect(readMembers('.a["b c"][0]')).toEqual(['a', 'b c', 0]);
    expect(readMembers('.a + 1')).toBeUndefined();
  });
});
