import { describe, expect, it } from 'vitest';
import { readImport } from './read-import';

describe('a text that is brought in', () => {
  it('is a workflow of Flowork when it says so or has steps', () => {
    expect(readImport('{"flowork":"preset/1","name":"a-b","title":"A B","steps":{"x":{},"y":{}}}')).toMatchObject({
      kind: 'flowork',
      title: 'A B',
      steps: 2,
      preset: { name: 'a-b' },
    });
    expect(readImport('{"title":"Café report","steps":{}}')).toMatchObject({
      kind: 'flowork',
      preset: { flowork: 'preset/1', name: 'cafe-report' },
    });
  });

  it('keeps everything else of it as it came', () => {
    const read = readImport('{"flowork":"preset/1","name":"Not A Name!","steps":{},"settings":{"priority":3}}');
    expect(read).toMatchObject({ kind: 'flowork', preset: { name: 'not-a-name', settings: { priority: 3 } } });
  });

  it('may stand in a code fence', () => {
    expect(readImport('```json\n{"flowork":"preset/1","name":"x","steps":{}}\n```\n').kind).toBe('flowork');
  });

  it('is of n8n when it has its nodes', () => {
    const text = JSON.stringify({ name: 'Mail', nodes: [{ type: 'n8n-nodes-base.httpRequest' }], connections: {} });
    expect(readImport(text)).toEqual({ kind: 'n8n', title: 'Mail', nodes: 1, hasTrigger: false });
    const own = (type: string) => readImport(JSON.stringify({ nodes: [{ type }] }));
    expect(own('n8n-nodes-base.scheduleTrigger')).toMatchObject({ hasTrigger: true });
    expect(own('n8n-nodes-base.webhook')).toMatchObject({ hasTrigger: true });
  });

  it('is nothing of use otherwise', () => {
    expect(readImport('[1]').kind).toBe('unknown');
    expect(readImport('{"a":1}').kind).toBe('unknown');
    expect(readImport('  \n').kind).toBe('empty');
    expect(readImport('hello').kind).toBe('no-json');
  });
});
