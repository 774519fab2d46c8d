import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JobEvent, JobView, RunView } from '../api/types';
import { CHECKPOINT_EVERY, Timeline } from './timeline';
import { emptyView, fold, LOG_LINES_MAX, type Run, runsInOrder, shownStatus, type View } from './view';

type Recorded = { events: JobEvent[]; views: JobView[] };

const folder = new URL('./recorded/', import.meta.url);
const recorded = readdirSync(folder).map((name): [string, Recorded] => [
  name.replace('.json', ''),
  JSON.parse(readFileSync(new URL(name, folder), 'utf8')),
]);

/** A run in the node's own form, which leaves out what is empty. */
function runAsNode(run: Run): RunView {
  const ports = Object.entries(run.ports).map(([port, emitted]) => [port, emitted]);
  const full = {
    status: run.status,
    first_seq: run.firstSeq,
    effect: run.effect,
    attempts: run.attempts.length > 0 ? run.attempts : undefined,
    items_in: run.itemsIn,
    ports: ports.length > 0 ? Object.fromEntries(ports) : undefined,
    note: run.note || undefined,
    logs: run.logs.length > 0 ? run.logs : undefined,
    logs_left_out: run.logsLeftOut,
    wait: run.wait,
    resumed_with: run.resumedWith,
    retry_at: run.retryAt,
    source: run.source,
    rounds_total: run.roundsTotal,
    rounds: Object.keys(run.rounds).length > 0 ? run.rounds : undefined,
    error: run.error,
    after_failure: run.afterFailure,
    took_us: run.tookUs,
    now: run.now,
    seed: run.seed,
    secrets: run.secrets.length > 0 ? run.secrets : undefined,
    dry: run.dry || undefined,
    response: run.response,
    changed_at: run.changedAt,
  };
  return JSON.parse(JSON.stringify(full));
}

const facts = (view: View) => ({
  state: view.state,
  lastSeq: view.lastSeq,
  startedAt: view.startedAt ?? null,
  endedAt: view.endedAt ?? null,
  paused: view.paused,
  runsRunning: view.runsRunning,
  runsWaiting: view.runsWaiting,
  error: view.error,
  output: view.output,
});

const factsOfNode = (view: JobView): ReturnType<typeof facts> => ({
  state: view.state,
  lastSeq: view.last_seq,
  startedAt: view.started_at ?? null,
  endedAt: view.ended_at ?? null,
  paused: view.paused ?? false,
  runsRunning: view.runs_running ?? 0,
  runsWaiting: view.runs_waiting ?? 0,
  error: view.error ?? undefined,
  output: view.output ?? {},
});

describe.each(recorded)('the run `%s` of a real node', (_, { events, views }) => {
  it('folds to what the node itself says after every recorded event', () => {
    for (const expected of views) {
      const view = fold(events.filter((event) => event.seq <= expected.last_seq));
      expect(facts(view)).toEqual(factsOfNode(expected));
      const runs = Object.fromEntries([...view.runs].map(([name, run]) => [name, runAsNode(run)]));
      expect(runs).toEqual(expected.runs ?? {});
    }
  });

  it('is the same when events are told twice or come in pieces', () => {
    const timeline = new Timeline();
    timeline.append(events.slice(0, 3));
    timeline.append(events);
    timeline.append(events);
    expect(timeline.at(events.length)).toEqual(fold(events));
  });
});

/** A long run: a loop of `count` rounds whose body starts, writes a line and ends. */
function longRun(rounds: number): JobEvent[] {
  const events: JobEvent[] = [];
  const add = (what: JobEvent['what']) => events.push({ seq: events.length + 1, at: 1_000 + events.length, what });
  add({ started: {} });
  for (let round = 0; round < rounds; round += 1) {
    const run = `body[${round % 50}]`;
    add({ loop_round: { run: 'loop', round, items: { inline: [] } } });
    add({ step_started: { run, attempt: 1, effect: 'pure' } });
    add({ step_log: { run, lines: [{ at: 1, level: 'info', text: `line ${round}` }] } });
    add({ step_failed: { run, attempt: 1, error: { code: 'x', message: 'x' }, then: 'continue', took_us: 1 } });
  }
  return events;
}

describe('the time machine', () => {
  const events = longRun(2_500);
  const timeline = new Timeline();
  timeline.append(events);

  it('shows at any event what a fold from the beginning shows, in any order of asking', () => {
    const asked = [1, CHECKPOINT_EVERY - 1, CHECKPOINT_EVERY, 9_999, 5_000, 5_001, 4_999, events.length, 0];
    for (const seq of asked) expect(timeline.at(seq), `event ${seq}`).toEqual(fold(events.slice(0, seq)));
  });

  it('gives views that later events do not change', () => {
    const growing = new Timeline();
    growing.append(events.slice(0, 100));
    const view = growing.at(100);
    growing.append(events.slice(100));
    expect(view).toEqual(fold(events.slice(0, 100)));
    expect(timeline.at(0)).toEqual(emptyView());
  });

  it('refuses a gap, so that no state is shown that never was', () => {
    expect(() => new Timeline().append(events.slice(1))).toThrow('event 2 came after event 0');
  });

  it('finds the event at a moment, and the next that matches', () => {
    expect(timeline.seqAt(999)).toBe(0);
    expect(timeline.seqAt(1_000)).toBe(1);
    expect(timeline.seqAt(1_004.5)).toBe(5);
    expect(timeline.find(1, 1, (header) => header.run === 'body[1]')).toBe(7);
    expect(timeline.find(7, -1, (header) => header.kind === 'started')).toBe(1);
    expect(timeline.find(7, -1, (header) => header.run === 'nobody')).toBeUndefined();
  });

  it('keeps the last lines of a long log and counts the others', () => {
    const line = { at: 1, level: 'info' as const, text: 'x' };
    const lines = Array.from({ length: LOG_LINES_MAX + 5 }, () => line);
    const view = fold([{ seq: 1, at: 1, what: { step_log: { run: 'a', lines } } }]);
    expect(view.runs.get('a')?.logs).toHaveLength(LOG_LINES_MAX);
    expect(view.runs.get('a')?.logsLeftOut).toBe(5);
    expect(runsInOrder(view)).toHaveLength(1);
  });
});

describe('a step of a paused run', () => {
  const event = (seq: number, what: unknown): JobEvent => ({ seq, at: seq * 10, what }) as JobEvent;
  const suspended = event(2, { step_suspended: { run: 'ask', attempt: 1, wait: { approval: { title: 'ok?' } } } });
  const answer = { step_resumed: { run: 'ask', with: { decision: { approved: true, by: 'Ana', note: '' } } } };
  const shown = (...events: JobEvent[]) => {
    const view = fold([event(1, { started: {} }), suspended, ...events]);
    const run = view.runs.get('ask');
    return [view.state, run?.status, run && shownStatus(view, run)];
  };

  it('that was answered meanwhile is shown as answered, though it counts as running', () => {
    expect(shown(event(3, 'paused'), event(4, answer))).toEqual(['paused', 'running', 'answered']);
  });

  it('that was answered before the pause is at work', () => {
    expect(shown(event(3, answer), event(4, 'paused'))).toEqual(['paused', 'running', 'running']);
  });

  it('whose time came meanwhile is ready', () => {
    const over = { step_resumed: { run: 'ask', with: 'time' } };
    expect(shown(event(3, 'paused'), event(4, over))[2]).toBe('ready');
  });

  it('goes on with the run, and another pause later does not make it wait again', () => {
    const [paused, answered, resumed] = [event(3, 'paused'), event(4, answer), event(5, 'resumed')];
    expect(shown(paused, answered, resumed)).toEqual(['running', 'running', 'running']);
    expect(shown(paused, answered, resumed, event(6, 'paused'))).toEqual(['paused', 'running', 'running']);
  });
});

describe('a step that a crash cut off', () => {
  const event = (seq: number, what: JobEvent['what']): JobEvent => ({ seq, at: seq * 10, what }) as JobEvent;
  const failed = {
    step_failed: { run: 'mail', attempt: 1, error: { message: 'cut off' }, then: 'ask', took_us: 5 },
  } as unknown as JobEvent['what'];

  it('asks a person whether it runs again, and the run waits', () => {
    const started = { step_started: { run: 'mail', attempt: 1, effect: 'external' } } as unknown as JobEvent['what'];
    const view = fold([event(1, { started: {} } as unknown as JobEvent['what']), event(2, started), event(3, failed)]);
    expect(view.runs.get('mail')).toMatchObject({ status: 'waiting', wait: { rerun: { attempt: 1 } } });
    expect([view.state, view.runsRunning, view.runsWaiting]).toEqual(['waiting', 0, 1]);
  });
});
