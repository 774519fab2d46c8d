//! A workflow leaves a node as a file and comes back by every door; a step that others name gets another name.
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import type { Preset } from '@/shared/api/types';
import type { Person } from './support/browser';
import { Canvas } from './support/designer';
import { journey } from './support/journey';
import { draft, keep } from './support/presets';

const at = (x: number, y = 0) => ({ position: { x, y } });

/** Something of everything that a workflow may hold. */
const WHOLE = {
  flowork: 'preset/1',
  name: 'orders',
  title: 'Orders “of today”',
  docs: 'What comes in.\n\nTwo lines.',
  variables: { rate: { value: 1.5, docs: 'What it costs.' } },
  triggers: { start: { component: 'manual', name: 'Start', ...at(0) } },
  steps: {
    make: { component: 'code', name: 'Make', config: { code: "return [{ n: 1 }, { n: '</script>' }]" }, ...at(288) },
    odd: {
      component: 'if',
      name: 'Is it odd?',
      config: { condition: '{{ $json.n > 0 }}' },
      note: 'A remark.',
      ...at(576),
    },
    sum: {
      component: 'set',
      name: 'Sum',
      config: { fields: { total: "{{ $('Make').all().length * $vars.rate }}", list: [1, null, { deep: true }] } },
      pin: { out: [{ json: { total: 3 } }] },
      retry: { tries: 3 },
      on_error: 'port',
      ...at(864),
    },
    caught: { component: 'set', name: 'Caught', config: { fields: { ok: false } }, disabled: true, ...at(1152, 112) },
  },
  wires: ['start -> make', 'make -> odd', 'odd:true -> sum', 'sum:error -> caught'],
  notes: { n: { text: '# Read me', position: { x: 0, y: -160 }, width: 240, height: 96, colour: 'ok' } },
  groups: { g: { title: 'Both', steps: ['odd', 'sum'], colour: 'run' } },
  settings: { timeout_ms: 60_000 },
} as unknown as Preset;

/** A draft without what the node names anew. */
const bare = ({ name: _, ...rest }: Preset): unknown => rest;

/** Ids are made anew by a paste: steps by their names, what stands in them, and the names that wires join. */
function byName({ steps = {}, triggers = {}, wires = {}, notes = {}, variables = {} }: Preset): unknown {
  const cards: Record<string, { readonly name?: string | null }> = { ...steps, ...triggers };
  const nameOf = (id: string) => cards[id]?.name ?? id;
  const withoutPlace = ({ position: _, ...rest }: object & { position?: unknown }) => rest;
  return {
    steps: Object.fromEntries(Object.values(steps).map((step) => [step.name, withoutPlace(step)])),
    wires: Object.values(
      wires as Record<string, { from: { step: string; port: string }; to: { step: string; port: string } }>,
    )
      .map(({ from, to }) => `${nameOf(from.step)}:${from.port} > ${nameOf(to.step)}:${to.port}`)
      .sort(),
    notes: Object.values(notes).map(withoutPlace),
    variables,
  };
}

journey('a workflow is carried', (it) => {
  let ana: Person;
  let canvas: Canvas;
  let file = '';
  let text = '';
  let site: Server | undefined;
  const api = () => it.node.api();
  const opened = (): string => decodeURIComponent(new URL(ana.page.url()).pathname.split('/').at(-1) ?? '');
  const arrived = async () => {
    await canvas.card('Make').waitFor();
    await canvas.isSaved();
    return draft(await api(), opened());
  };
  /** Drops the file on what `selector` finds, as a hand from the desktop does. */
  const dropOn = (selector: string) =>
    ana.page.evaluate(
      ([where = '', content = '']) => {
        const on = document.querySelector(where);
        if (!on) throw new Error(`there is no ${where}`);
        const box = on.getBoundingClientRect();
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([content], 'orders.json', { type: 'application/json' }));
        const more = { bubbles: true, cancelable: true, dataTransfer, clientX: box.x + 300, clientY: box.y + 200 };
        for (const kind of ['dragenter', 'dragover', 'drop']) on.dispatchEvent(new DragEvent(kind, more));
      },
      [selector, text],
    );

  afterAll(() => site?.close());

  test('it is exported as a file that says what the node has', async () => {
    ana = await it.person();
    canvas = new Canvas(ana.page);
    await ana.enter(it.node.link);
    const id = await keep(await api(), WHOLE);
    await ana.page.goto(`${it.node.url}/workflows/${id}`);
    await canvas.card('Make').waitFor();
    await ana.page.getByRole('button', { name: 'More', exact: true }).click();
    const download = ana.page.waitForEvent('download');
    await ana.page.getByRole('menuitem', { name: 'Export as a file' }).click();
    expect((await download).suggestedFilename()).toBe('orders.json');
    file = await (await download).path();
    text = await readFile(file, 'utf8');
    expect(JSON.parse(text)).toEqual(await draft(await api(), id));
  });

  test('the file comes back the same by the button of the workflows', async () => {
    await ana.go('Workflows');
    await ana.page.getByRole('button', { name: 'Import', exact: true }).click();
    await ana.page.getByLabel('Choose a file').setInputFiles(file);
    await ana.page.getByRole('status').getByText('4 steps').waitFor();
    await ana.page.getByRole('button', { name: 'Bring it in' }).click();
    const now = await arrived();
    expect(now.name).toBe('orders-2');
    expect(bare(now)).toEqual(bare(JSON.parse(text)));
  });

  test('dropped on the list it is the same too', async () => {
    await ana.go('Workflows');
    await dropOn('main h1');
    await ana.page.getByRole('button', { name: 'Bring it in' }).click();
    expect(bare(await arrived())).toEqual(bare(JSON.parse(text)));
  });

  test('pasted as text, in the code fence of a chat, it is the same too', async () => {
    await ana.go('Workflows');
    await ana.page.getByRole('button', { name: 'Import', exact: true }).click();
    await ana.page.getByRole('textbox', { name: 'Its text' }).fill(`\`\`\`json\n${text}\n\`\`\``);
    await ana.page.getByRole('button', { name: 'Bring it in' }).click();
    expect(bare(await arrived())).toEqual(bare(JSON.parse(text)));
  });

  test('fetched from an address it is the same too', async () => {
    site = createServer((_, answer) => answer.setHeader('content-type', 'application/json').end(text));
    await new Promise<void>((resolve) => site?.listen(0, '127.0.0.1', resolve));
    const { port } = site.address() as AddressInfo;
    await ana.go('Workflows');
    await ana.page.getByRole('button', { name: 'Import', exact: true }).click();
    await ana.page.getByLabel('Address of a workflow').fill(`http://127.0.0.1:${port}/orders.json`);
    await ana.page.getByRole('button', { name: 'Fetch' }).click();
    await ana.page.getByRole('status').getByText('4 steps').waitFor();
    await ana.page.getByRole('button', { name: 'Bring it in' }).click();
    expect(bare(await arrived())).toEqual(bare(JSON.parse(text)));
  });

  test('dropped on the canvas of an empty workflow its steps are there, in one edit', async () => {
    const id = await keep(await api(), {
      flowork: 'preset/1',
      name: 'empty',
      title: 'Empty',
      steps: {},
      wires: {},
    } as Preset);
    await ana.page.goto(`${it.node.url}/workflows/${id}`);
    await canvas.board.waitFor();
    await canvas.isSaved();
    await dropOn('[data-canvas]');
    expect(byName(await arrived())).toEqual(byName(JSON.parse(text)));
    await ana.page.keyboard.press('Control+z');
    await canvas.card('Make').waitFor({ state: 'detached' });
    await canvas.isSaved();
    expect(Object.keys((await draft(await api(), id)).steps ?? {})).toEqual([]);
    await ana.page.keyboard.press('Control+Shift+z');
    await canvas.card('Make').waitFor();
  });

  test('a file that is dropped beside the canvas does not take the page away', async () => {
    const was = ana.page.url();
    await dropOn('header h1');
    expect(ana.page.url()).toBe(was);
    await canvas.card('Make').waitFor();
  });

  test('pasted on the canvas it stands beside what is there, under names of its own', async () => {
    await ana.page.evaluate((it) => navigator.clipboard.writeText(it), text);
    await canvas.board.focus();
    await ana.page.keyboard.press('Control+v');
    await ana.page.keyboard.press('1');
    await canvas.card('Make 2').waitFor();
    await canvas.isSaved();
    const { steps = {} } = await draft(await api(), opened());
    const sum = Object.values(steps).find((step) => step.name === 'Sum 2');
    expect(JSON.stringify(sum?.config)).toContain("$('Make 2')");
    await ana.page.keyboard.press('Control+z');
    await canvas.card('Make 2').waitFor({ state: 'detached' });
    await ana.page.keyboard.press('1');
  });

  const mention = async () => {
    await canvas.isSaved();
    const { steps = {} } = await draft(await api(), opened());
    return JSON.stringify(Object.values(steps).find((step) => step.name === 'Sum')?.config);
  };

  test('a step that another one names gets another name on the canvas, and the other one follows', async () => {
    await canvas.rename('Make', "Ana's list");
    expect(await mention()).toContain("$('Ana\\\\'s list').all()");
    await ana.page.keyboard.press('Control+z');
    await canvas.card('Make').waitFor();
    expect(await mention()).toContain("$('Make').all()");
  });

  test('in its panel as well', async () => {
    const panel = await canvas.open('Make');
    await panel.getByRole('textbox', { name: 'Name' }).fill('Rows');
    await ana.page.keyboard.press('Enter');
    await canvas.card('Rows').waitFor();
    expect(await mention()).toContain("$('Rows').all()");
  });

  test('a step that is named and deleted is told among the problems, until it is back', async () => {
    await canvas.card('Rows').click();
    await ana.page.keyboard.press('Delete');
    await canvas.below('Problems');
    const told = ana.page.getByRole('button', { name: /Sum › fields › total .*names a step that is not there/ });
    await told.waitFor();
    await canvas.board.focus();
    await ana.page.keyboard.press('Control+z');
    await told.waitFor({ state: 'detached' });
  });
});
