import { describe, expect, it } from 'vitest';
import type { fetchLightPage } from '@/shared/api/requests/job-items';
import type { DrawnPreset } from '@/shared/document/types';
import { emptyView, type Run, type View } from '@/shared/history/view';
import { known, lastRun, outputs, portCount } from './data';

const item = (value: number) => ({ json: value });
const end = (step: string, port = 'out') => ({ step, port });

const preset: DrawnPreset = {
  flowork: 'preset/1',
  name: 'test',
  steps: {
    a: { component: 'set' },
    b: { component: 'set', pin: { out: [item(1), item(2)] } },
    c: { component: 'merge' },
  },
  wires: { one: { from: end('a'), to: end('c', 'a') }, two: { from: end('b'), to: end('c', 'b') } },
};

const run = (status: Run['status'], changedAt: number): Run => ({
  status,
  firstSeq: 1,
  attempts: [],
  ports: { out: { items: { inline: [] } } },
  note: '',
  logs: [],
  logsLeftOut: 0,
  rounds: {},
  secrets: [],
  dry: false,
  changedAt,
});
const view = (runs: Record<string, Run>): View => ({ ...emptyView(), runs: new Map(Object.entries(runs)) });

/** A node that has `total` items of every port. */
const node = (total: number) =>
  (async ({ offset }: { offset: number }) => ({
    items: Array.from({ length: Math.min(100, total - offset) }, (_, at) => item(offset + at)),
    total,
    offset,
    limit: 100,
  })) as unknown as typeof fetchLightPage;

describe('what is known of a step', () => {
  const source = { preset, job: 'j', view: view({ a: run('succeeded', 1) }), fetch: node(3) };

  it('is its pin before anything that ran', async () => {
    expect(await known(source, 'b', 'out')).toMatchObject({ total: 2, from: 'pin' });
  });

  it('is what the last run gave', async () => {
    expect(await known(source, 'a', 'out', 'out')).toMatchObject({ total: 3, from: 'run' });
  });

  it('is nothing for a step that has not run, or has failed', async () => {
    expect(await known({ ...source, view: undefined }, 'a', 'out')).toBeUndefined();
    expect(await known({ ...source, view: view({ a: run('failed', 1) }) }, 'a', 'out')).toBeUndefined();
  });

  it('goes in from all that leads there, or from one port only', async () => {
    expect(await known(source, 'c', 'in')).toMatchObject({ total: 5, from: 'run' });
    expect(await known(source, 'c', 'in', 'b')).toMatchObject({ total: 2, from: 'pin' });
    expect(await known(source, 'a', 'in')).toBeUndefined();
  });

  it('of a loop is its newest round', () => {
    expect(lastRun(view({ 'a[0]': run('succeeded', 5), 'a[1]': run('succeeded', 9), b: run('failed', 10) }), 'a')).toBe(
      'a[1]',
    );
  });
});

describe('the numbers in the choice of ports', () => {
  const gave = {
    ...run('succeeded', 1),
    ports: { out: { items: { inline: [item(1), item(2)] } }, rest: { items: { inline: [item(3)] } } },
  };
  const source = { preset, job: 'j', view: view({ a: gave }) };

  it('count what each port gave, and all together', () => {
    expect(portCount(source, 'a', 'out', 'rest')).toBe(1);
    expect(portCount(source, 'a', 'out', 'other')).toBe(0);
    expect(portCount(source, 'a', 'out')).toBe(3);
  });

  it('count what leads to a port, of pins and of the run', () => {
    expect(portCount(source, 'c', 'in', 'a')).toBe(2);
    expect(portCount(source, 'c', 'in', 'b')).toBe(2);
    expect(portCount(source, 'c', 'in')).toBe(4);
  });

  it('are left out where nothing is known', () => {
    expect(portCount({ ...source, view: undefined }, 'a', 'out', 'out')).toBeUndefined();
    expect(portCount({ ...source, view: view({ a: run('failed', 1) }) }, 'a', 'out')).toBeUndefined();
    expect(portCount(source, 'a', 'in')).toBeUndefined();
  });
});

describe('what is pinned', () => {
  it('is read to its end, and no further than a document should hold', async () => {
    const source = { preset, job: 'j', view: view({ a: run('succeeded', 1) }) };
    expect((await outputs({ ...source, fetch: node(250) }, 'a', ['out']))?.out).toHaveLength(250);
    expect((await outputs({ ...source, fetch: node(5_000) }, 'a', ['out']))?.out).toHaveLength(1_000);
    expect(await outputs({ ...source, fetch: node(5) }, 'c', ['out'])).toBeUndefined();
  });
});
