import { expect, it } from 'vitest';
import type { Run } from '@/shared/history/view';
import { barsOf, lengthUs } from './bars';

const run = (of: Partial<Run>): Run => ({
  status: 'succeeded',
  firstSeq: 1,
  attempts: [],
  ports: {},
  note: '',
  logs: [],
  logsLeftOut: 0,
  rounds: {},
  secrets: [],
  dry: false,
  changedAt: 0,
  ...of,
});

it('a try that was never ended goes on until now, also when its run was stopped', () => {
  const open = { number: 1, started_at: 100 };
  for (const status of ['running', 'stopped'] as const)
    expect(barsOf(run({ status, attempts: [open], changedAt: 120 }), 100, 900)).toMatchObject([{ from: 100, to: 900 }]);
});

it('a first try whose start is not recorded began when it was heard of', () => {
  const attempts = [{ number: 1, ended_at: 500, took_us: 2_000 }];
  expect(barsOf(run({ attempts }), 400, 900)).toMatchObject([{ from: 400, to: 500, tone: 'bg-ok' }]);
});

it('the length of a run is its own measure, unless it waited', () => {
  const row = (tookUs: number | undefined, from: number, to: number) => {
    const of = run({ tookUs, attempts: [] });
    return { name: 's', run: of, bars: [{ from, to, tone: '' }] };
  };
  expect(lengthUs(row(1_500, 0, 2))).toBe(1_500);
  expect(lengthUs(row(1_500, 0, 60_000))).toBe(60_000_000);
  expect(lengthUs(row(undefined, 0, 506))).toBe(506_000);
});
