//! What an empty script is offered to begin with, run as it stands on a real node.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Preset } from '@/shared/api/types';
import { STARTS, type StartsOf } from '@/shared/code/starts';
import type { Mode } from '@/shared/code/starts/start';
import type { Api } from './support/api';
import { TestNode } from './support/node';
import { ended } from './support/presets';

const FIELDS = { text: 'name', number: 'amount' };
const MAKE = "return [{ name: 'Ada Lovelace', amount: 3 }, { name: 'Ben', amount: -1 }, { amount: 2 }]";

type Piece = {
  readonly of: StartsOf;
  readonly mode: Mode;
  readonly id: string;
  readonly code: string;
  readonly output?: string;
};

const PIECES: readonly Piece[] = (Object.keys(STARTS) as StartsOf[]).flatMap((of) => [
  ...(['all', 'each'] as const).map((mode) => ({ of, mode, id: 'start', code: STARTS[of].start[mode].code })),
  ...STARTS[of].snippets.map(({ id, mode, output, code }) => ({ of, mode, id, output, code: code(FIELDS) })),
]);
const stepOf = ({ of, mode, id }: Piece): string => `${of}-${mode}-${id}`;

/** How many items each port gives for the three that come in. */
const GIVES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  start: { out: 3 },
  keep: { out: 2 },
  total: { out: 1 },
  jq: { out: 1 },
  group: { out: 3 },
  split: { out: 3 },
  outputs: { out: 2, rest: 1 },
  file: { out: 1 },
  answer: { out: 1 },
};

type Item = { readonly json: Readonly<Record<string, unknown>>; readonly files?: Readonly<Record<string, unknown>> };

let node: TestNode;
let api: Api;
let job: string;

beforeAll(async () => {
  node = await TestNode.start();
  api = await node.api();
  const preset = {
    flowork: 'preset/1',
    name: 'starts',
    title: 'What scripts begin with',
    triggers: { start: { component: 'manual' } },
    steps: {
      make: { component: 'code', config: { code: MAKE } },
      ...Object.fromEntries(
        PIECES.map((piece) => [
          stepOf(piece),
          {
            component: piece.of,
            config: { code: piece.code, mode: piece.mode, ...(piece.output ? { outputs: [piece.output] } : {}) },
            on_error: 'port',
          },
        ]),
      ),
    },
    wires: ['start -> make', ...PIECES.map((piece) => `make -> ${stepOf(piece)}`)],
  } as unknown as Preset;
  await api.ask('POST', '/presets', preset);
  job = (await api.ask<{ job: string }>('POST', '/jobs', { preset: 'starts' })).job;
  await ended(api, job);
});
afterAll(() => node.stop());

const items = async (step: string, port: string): Promise<readonly Item[]> =>
  (await api.ask<{ items: Item[] }>('GET', `/jobs/${job}/items?run=${step}&side=out&port=${port}&offset=0`)).items;

test.each(PIECES.map((piece) => [stepOf(piece), piece] as const))('%s runs as it stands', async (step, { id }) => {
  type Runs = Readonly<Record<string, { status: string; error?: { message: string } }>>;
  const { runs } = (await api.ask<{ view: { runs: Runs } }>('GET', `/jobs/${job}`)).view;
  expect(runs[step]?.error?.message).toBeUndefined();
  expect(runs[step]?.status).toBe('succeeded');
  for (const [port, count] of Object.entries(GIVES[id] ?? {})) expect(await items(step, port)).toHaveLength(count);
  const [first] = await items(step, 'out');
  if (id === 'total' || id === 'jq') expect(first?.json).toEqual({ items: 3, total: 4 });
  if (id === 'group') expect((await items(step, 'out')).map(({ json }) => json.count)).toEqual([1, 1, 1]);
  if (id === 'file') expect(Object.keys(first?.files ?? {})).toEqual(['data']);
});
