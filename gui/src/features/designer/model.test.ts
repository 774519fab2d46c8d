import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Manifest } from '@/shared/api/types';
import { alone } from '@/shared/document/testing/editors';
import type { DrawnPreset, PresetEditor } from '@/shared/document/types';
import { Actions } from './actions';
import { DesignerModel } from './model';

const manifest = (name: string, inputs: string[], outputs: string[], kind = 'module') =>
  ({
    name,
    title: name,
    category: '',
    kind,
    config: {},
    inputs: inputs.map((port) => ({ name: port, docs: '' })),
    outputs: outputs.map((port) => ({ name: port, docs: '' })),
  }) as unknown as Manifest;
const manifests = new Map(
  [manifest('set', ['in'], ['out']), manifest('if', ['in'], ['true', 'false']), manifest('stop', ['in'], [])].map(
    (it) => [it.name, it],
  ),
);
const step = (component: string, x: number, y = 0) => ({ component, config: {}, position: { x, y } });
const end = (of: string, port: string) => ({ step: of, port });

const preset: DrawnPreset = {
  flowork: 'preset/1',
  name: 'test',
  steps: { a: step('set', 0), b: step('set', 320), c: step('set', 640) },
  wires: {
    one: { from: end('a', 'out'), to: end('b', 'in') },
    two: { from: end('b', 'out'), to: end('c', 'in') },
  },
};

async function opened(
  of: DrawnPreset = preset,
): Promise<{ model: DesignerModel; actions: Actions; editor: PresetEditor }> {
  const { editor } = await alone(of);
  const model = new DesignerModel(editor, manifests);
  return { model, actions: new Actions(model), editor };
}

const wires = (editor: PresetEditor) =>
  Object.values(editor.snapshot().preset.wires as Record<string, { from: { step: string }; to: { step: string } }>)
    .map(({ from, to }) => `${from.step}>${to.step}`)
    .sort();

beforeAll(() => {
  vi.stubGlobal('requestAnimationFrame', (work: () => void) => setTimeout(work));
});

describe('adding', () => {
  it('on a wire makes room and goes in between', async () => {
    const { actions, editor } = await opened();
    const id = actions.add(manifests.get('set') as Manifest, {
      at: { x: 0, y: 0 },
      client: { x: 0, y: 0 },
      wire: 'one',
    });
    expect(wires(editor)).toEqual([`${id}>b`, `a>${id}`, 'b>c'].sort());
    const { steps } = editor.snapshot().preset;
    expect(steps?.[id ?? '']?.position?.x).toBe(320);
    expect(steps?.b?.position?.x).toBe(640);
    expect(steps?.c?.position?.x).toBe(960);
    editor.undo();
    expect(wires(editor)).toEqual(['a>b', 'b>c']);
    expect(editor.snapshot().preset.steps?.b?.position?.x).toBe(320);
  });

  it('beside the selected step follows it and lies on nothing', async () => {
    const { model, actions, editor } = await opened();
    model.selection.set(['a']);
    const id = actions.add(manifests.get('if') as Manifest, actions.askBeside());
    expect(wires(editor)).toContain(`a>${id}`);
    expect(editor.snapshot().preset.steps?.[id ?? '']?.position).toEqual({ x: 320, y: 96 });
    expect([...model.selection.get()]).toEqual([id]);
  });
});

describe('deleting', () => {
  it('with healing joins what is left', async () => {
    const { model, actions, editor } = await opened();
    model.selection.set(['b']);
    actions.remove(true);
    expect(wires(editor)).toEqual(['a>c']);
    expect(model.selection.get().size).toBe(0);
  });
});

describe('replacing', () => {
  it('keeps the connections as far as the new component has ports', async () => {
    const { actions, editor } = await opened();
    actions.replace('b', manifests.get('if') as Manifest);
    expect(wires(editor)).toEqual(['a>b', 'b>c']);
    actions.replace('b', manifests.get('stop') as Manifest);
    expect(wires(editor)).toEqual(['a>b']);
  });
});

describe('connecting', () => {
  it('refuses a circle and says why', async () => {
    const { model, actions, editor } = await opened();
    expect(actions.connect(end('c', 'out'), end('a', 'in'))).toBe(false);
    expect(model.said.get()?.tone).toBe('refused');
    expect(wires(editor)).toEqual(['a>b', 'b>c']);
  });
});

describe('moving', () => {
  it('of one card gives those without a place the one where they are drawn', async () => {
    const { model, actions, editor } = await opened({
      ...preset,
      steps: { ...preset.steps, d: { component: 'set', config: {} } },
    });
    const drawn = model.card('d');
    model.selection.set(['a']);
    actions.nudge(16, 0);
    expect(editor.snapshot().preset.steps?.a?.position).toEqual({ x: 16, y: 0 });
    expect(editor.snapshot().preset.steps?.d?.position).toEqual({ x: drawn?.x, y: drawn?.y });
  });

  it('of a frame moves what it holds', async () => {
    const { model, actions, editor } = await opened();
    model.selection.set(['a', 'b']);
    actions.group();
    const [group] = model.scene.get().groups;
    model.selection.set([group?.id ?? '']);
    actions.nudge(0, 32);
    expect(editor.snapshot().preset.steps?.b?.position).toEqual({ x: 320, y: 32 });
    expect(editor.snapshot().preset.steps?.c?.position).toEqual({ x: 640, y: 0 });
  });
});
