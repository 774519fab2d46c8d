import { describe, expect, it } from 'vitest';
import type { Manifest } from '../api/types';
import recorded from '../forms/recorded/components.json';
import { manifests as id } from '../i18n/words/manifests.id';
import { plainProse, proseParts } from '../ui/prose-text';
import { manifestIn, manifestsIn, type Texts, textIn } from './localised';

const all = recorded.map((it) => ({
  ...it,
  docs: `# ${it.title}\n\n${it.summary}\n\nMore.\n`,
})) as unknown as Manifest[];

/** Every short text of a manifest: the translation of each is asked for once. */
function textsOf(manifest: Manifest): Set<string> {
  const asked = new Set<string>([manifest.category]);
  const spy: Texts = new Proxy({}, { getOwnPropertyDescriptor: (_, key) => void asked.add(String(key)) });
  manifestIn(spy, manifest);
  return asked;
}

describe('the built-in components', () => {
  it.each(all.map((it) => [it.name, it] as const))('%s has every short text in Indonesian', (_, manifest) => {
    const texts = [...textsOf(manifest)];
    expect(texts).toContain(manifest.title);
    expect(texts.filter((text) => !Object.hasOwn(id, text))).toEqual([]);
  });

  it('have no two titles that are the same in Indonesian', () => {
    const titles = all.map((it) => textIn(id, it.title));
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('are told nothing that they do not say', () => {
    const said = new Set(all.flatMap((it) => [...textsOf(it)]));
    expect(Object.keys(id).filter((text) => !said.has(text))).toEqual([]);
  });

  it('keep their code as it is', () => {
    const codes = (text: string) =>
      proseParts(text)
        .filter((part) => part.kind === 'code')
        .map((part) => part.text)
        .sort();
    for (const [text, said] of Object.entries(id)) expect(codes(said), text).toEqual(codes(text));
    expect(plainProse(id['Sends each item to `true` or `false` by a condition.'] ?? '')).toContain('true');
  });
});

describe('a manifest in another language', () => {
  const texts: Texts = {
    Own: 'Milik',
    'Does it.': 'Melakukannya.',
    'A port.': 'Port.',
    Field: 'Kolom',
    'A word.': 'Kata.',
  };
  const manifest = {
    name: 'own',
    title: 'Own',
    summary: 'Does it.',
    docs: '# Own\n\nDoes it.\n\nA word.',
    category: 'Own',
    inputs: [{ name: 'in', docs: 'A port.' }],
    outputs: [{ name: 'out', docs: 'Unknown.' }],
    config: {
      properties: {
        title: { type: 'string', title: 'Field', description: 'A word.', default: { title: 'Field' } },
        list: { items: { oneOf: [{ const: 'Field', description: 'A word.' }] } },
      },
    },
    example: { title: 'Own', config: { title: 'Own' }, input: {}, output: {} },
  } as unknown as Manifest;

  it('has its titles, summary, ports and fields translated, and what is unknown as it came', () => {
    const said = manifestIn(texts, manifest);
    expect(said).toMatchObject({
      name: 'own',
      title: 'Milik',
      summary: 'Melakukannya.',
      docs: '# Own\n\nMelakukannya.\n\nA word.',
      inputs: [{ docs: 'Port.' }],
      outputs: [{ docs: 'Unknown.' }],
      example: { title: 'Milik' },
    });
  });

  it('keeps values, defaults and the names that programs use', () => {
    const said = manifestIn(texts, manifest);
    expect(said.category).toBe('Own');
    expect(said.example.config).toEqual({ title: 'Own' });
    expect(said.config).toEqual({
      properties: {
        title: { type: 'string', title: 'Kolom', description: 'Kata.', default: { title: 'Field' } },
        list: { items: { oneOf: [{ const: 'Field', description: 'Kata.' }] } },
      },
    });
  });

  it('is the same object as long as nothing changed, and the node’s own in English', () => {
    const list = [manifest];
    expect(manifestsIn(texts, list)).toBe(manifestsIn(texts, list));
    expect(manifestsIn({}, list)).toBe(list);
  });
});
