//! A job as people look at it: a pure fold over its events, by the same rules as `protocol/src/view.rs`.
//!
//! Folding never decides: it only writes down what the events say. Runs are replaced and never changed in place, so that
//! keeping a view (a checkpoint, what React compares) costs one copy of a map.
import type {
  Attempt,
  Failure,
  JobEvent,
  JobState,
  List,
  LogLine,
  RunStatus,
  RunView,
  StepResult,
  Submission,
  What,
} from '../api/types';

/** The most log lines that a view keeps of one run; older ones are counted. */
export const LOG_LINES_MAX = 2_000;

export type Run = {
  readonly status: RunStatus;
  readonly firstSeq: number;
  readonly effect?: RunView['effect'];
  readonly attempts: readonly Attempt[];
  readonly itemsIn?: number;
  readonly ports: Readonly<Record<string, { readonly items: List }>>;
  readonly note: string;
  readonly logs: readonly LogLine[];
  readonly logsLeftOut: number;
  readonly wait?: RunView['wait'];
  readonly resumedWith?: RunView['resumed_with'];
  /** The event that ended its last wait. */
  readonly resumedSeq?: number;
  readonly retryAt?: number;
  readonly source?: RunView['source'];
  readonly roundsTotal?: number;
  readonly rounds: Readonly<Record<string, List>>;
  readonly error?: Failure;
  readonly afterFailure?: RunView['after_failure'];
  readonly tookUs?: number;
  readonly now?: number;
  readonly seed?: number;
  readonly secrets: readonly string[];
  readonly dry: boolean;
  readonly response?: RunView['response'];
  readonly changedAt: number;
};

export type View = {
  state: JobState;
  lastSeq: number;
  submission?: Submission;
  acceptedAt?: number;
  startedAt?: number;
  changedAt?: number;
  endedAt?: number;
  presets: Readonly<Record<string, string>>;
  error?: Failure;
  outcome?: 'succeeded' | 'failed' | 'cancelled';
  output: Readonly<Record<string, List>>;
  cancelReason?: string;
  parkedReason?: string;
  paused: boolean;
  /** The event that paused it last. */
  pausedSeq?: number;
  runsRunning: number;
  runsWaiting: number;
  /** By the run's text, `step` or `step[2][0]`. */
  runs: Map<string, Run>;
};

export const emptyView = (): View => ({
  state: 'queued',
  lastSeq: 0,
  presets: {},
  output: {},
  paused: false,
  runsRunning: 0,
  runsWaiting: 0,
  runs: new Map(),
});

/** A view that later events do not reach. */
export const keep = (view: View): View => ({ ...view, runs: new Map(view.runs) });

const isWaiting = (status: RunStatus): boolean => status === 'waiting' || status === 'retrying';

export const listLength = (list: List): number => ('inline' in list ? list.inline.length : list.chunked.len);

/** What happened as one word and what was said about it: `step_failed` with its fields, `paused` with none. */
export type Told = { [Kind in Keys<What>]: { readonly kind: Kind; readonly said: Said<Kind> } }[Keys<What>];
type Keys<T> = T extends string ? T : T extends object ? keyof T : never;
type Said<Kind extends Keys<What>> =
  Extract<What, Record<Kind, unknown>> extends Record<Kind, infer Fields> ? Fields : undefined;

export function told(what: What): Told {
  if (typeof what === 'string') return { kind: what, said: undefined } as Told;
  const [kind, said] = Object.entries(what)[0] ?? [];
  return { kind, said } as Told;
}

/** Folds one more event into `view`. One that is folded in already changes nothing, so a feed may repeat itself. */
export function apply(view: View, event: JobEvent): void {
  if (event.seq <= view.lastSeq) return;
  view.lastSeq = event.seq;
  view.changedAt = event.at;
  const what = told(event.what);
  // Somebody could go on with it after all.
  if (what.kind !== 'parked' && what.kind !== 'step_log') view.parkedReason = undefined;
  switch (what.kind) {
    case 'accepted':
      view.submission = what.said;
      view.acceptedAt = event.at;
      break;
    case 'started':
      view.startedAt = event.at;
      view.presets = what.said.presets ?? {};
      break;
    case 'paused':
      view.paused = true;
      view.pausedSeq = event.seq;
      break;
    case 'resumed':
      view.paused = false;
      break;
    case 'cancel_requested':
      view.cancelReason = what.said.reason;
      break;
    case 'parked':
      view.parkedReason = what.said.reason;
      break;
    case 'ended':
      end(view, event.at, what.said);
      break;
    default:
      applyStep(view, event, what);
  }
  view.state = stateOf(view);
}

type Ended = Extract<Told, { kind: 'ended' }>['said'];

function end(view: View, at: number, ended: Ended): void {
  view.endedAt = at;
  view.output = ended.output ?? {};
  const { outcome } = ended;
  if (outcome === 'succeeded') view.outcome = 'succeeded';
  else if ('failed' in outcome) {
    view.outcome = 'failed';
    view.error = outcome.failed;
  } else view.outcome = 'cancelled';
  for (const [name, run] of view.runs) {
    if (run.status === 'running' || isWaiting(run.status)) {
      view.runs.set(name, { ...run, status: 'stopped', wait: undefined, retryAt: undefined });
    }
  }
  view.runsRunning = 0;
  view.runsWaiting = 0;
}

function stateOf(view: View): JobState {
  if (view.outcome) return view.outcome;
  if (view.parkedReason !== undefined) return 'parked';
  if (view.paused) return 'paused';
  if (view.startedAt === undefined) return 'queued';
  return view.runsRunning === 0 && view.runsWaiting > 0 ? 'waiting' : 'running';
}

type StepTold = Extract<Told, { said: { run: string } }>;

/** The run that an event speaks of, if it speaks of one. */
export function runOf(what: Told): string | undefined {
  const said: unknown = what.said;
  return said && typeof said === 'object' && 'run' in said && typeof said.run === 'string' ? said.run : undefined;
}

const fresh = (seq: number): Run => ({
  status: 'pending',
  firstSeq: seq,
  attempts: [],
  ports: {},
  note: '',
  logs: [],
  logsLeftOut: 0,
  rounds: {},
  secrets: [],
  dry: false,
  changedAt: 0,
});

function applyStep(view: View, event: JobEvent, what: StepTold): void {
  const name = what.said.run;
  const before = view.runs.get(name) ?? fresh(event.seq);
  const after: Run = { ...before, ...change(before, event, what), changedAt: event.at };
  view.runs.set(name, after);
  view.runsRunning += Number(after.status === 'running') - Number(before.status === 'running');
  view.runsWaiting += Number(isWaiting(after.status)) - Number(isWaiting(before.status));
}

function change(run: Run, { at, seq }: JobEvent, what: StepTold): Partial<Run> {
  switch (what.kind) {
    case 'step_started': {
      const { attempt, effect } = what.said;
      // A try that is begun again after a crash keeps its number; the later start is the one that counts.
      const attempts = withAttempt(run.attempts, attempt, () => ({ number: attempt, started_at: at }));
      return { status: 'running', effect, retryAt: undefined, attempts };
    }
    case 'step_succeeded':
      return succeed(run, at, what.said);
    case 'step_failed': {
      const { attempt, error, then, took_us } = what.said;
      const attempts = withAttempt(run.attempts, attempt, (old) => ({ ...old, ended_at: at, took_us, error }));
      const retry = typeof then === 'object' ? then.retry.at : undefined;
      const status = then === 'ask' ? 'waiting' : retry === undefined ? 'failed' : 'retrying';
      // Nobody saw the end of this try: a person says whether it runs again.
      const wait = then === 'ask' ? { rerun: { attempt } } : undefined;
      return { status, attempts, error, afterFailure: then, tookUs: took_us, wait, retryAt: retry };
    }
    case 'step_skipped':
      return { status: 'skipped', note: what.said.reason, wait: undefined };
    case 'step_suspended': {
      const { attempt, wait } = what.said;
      const rounds = 'rounds' in wait ? { roundsTotal: wait.rounds.rounds } : {};
      return { status: 'waiting', wait, attempts: withAttempt(run.attempts, attempt, (old) => old), ...rounds };
    }
    case 'step_resumed':
      return { status: 'running', wait: undefined, resumedWith: what.said.with, resumedSeq: seq };
    case 'loop_round':
      return { rounds: { ...run.rounds, [what.said.round]: what.said.items } };
    case 'step_log': {
      const all = run.logs.concat(what.said.lines);
      const over = Math.max(0, all.length - LOG_LINES_MAX);
      return { logs: over > 0 ? all.slice(over) : all, logsLeftOut: run.logsLeftOut + over };
    }
  }
}

function succeed(run: Run, at: number, result: StepResult): Partial<Run> {
  // Kept, pinned and edited results were not tried here.
  const wasTried = result.from === undefined || result.from === null;
  const ended = (old: Attempt): Attempt => ({ ...old, ended_at: at, took_us: result.took_us });
  return {
    status: 'succeeded',
    attempts: wasTried ? withAttempt(run.attempts, result.attempt, ended) : run.attempts,
    ports: result.ports,
    itemsIn: result.items_in,
    note: result.note,
    tookUs: result.took_us,
    now: result.now,
    seed: result.seed,
    secrets: result.secrets ?? [],
    dry: result.dry ?? false,
    source: result.from ?? undefined,
    response: result.response ?? undefined,
    error: undefined,
    afterFailure: undefined,
    retryAt: undefined,
    wait: undefined,
  };
}

function withAttempt(attempts: readonly Attempt[], number: number, to: (old: Attempt) => Attempt): readonly Attempt[] {
  const at = attempts.findIndex((attempt) => attempt.number === number);
  if (at < 0) return [...attempts, to({ number })];
  return attempts.map((attempt, place) => (place === at ? to(attempt) : attempt));
}

/** How a run is shown: as the fold has it, but for what cannot go on yet. */
export type ShownStatus = RunStatus | 'answered' | 'ready';

/**
 * The status of a run for people. A paused job begins nothing: a run whose wait ended in the meantime counts as running, by the fold's
 * rules, but nobody works on it before the job goes on.
 */
export function shownStatus(view: Pick<View, 'paused' | 'pausedSeq'>, run: Run): ShownStatus {
  const isHeld =
    view.paused && run.status === 'running' && view.pausedSeq !== undefined && (run.resumedSeq ?? 0) > view.pausedSeq;
  if (!isHeld) return run.status;
  return typeof run.resumedWith === 'object' && run.resumedWith && 'decision' in run.resumedWith ? 'answered' : 'ready';
}

/** The view after all of `events`. */
export function fold(events: Iterable<JobEvent>): View {
  const view = emptyView();
  for (const event of events) apply(view, event);
  return view;
}

/** The runs in the order in which they were first heard of, which is the order in which the fold puts them in. */
export const runsInOrder = (view: View): [string, Run][] => [...view.runs];

/** The step of a run: what stands before its rounds. */
export function stepOf(run: string): string {
  const at = run.indexOf('[');
  return at < 0 ? run : run.slice(0, at);
}

/** `step[2][0]` → its step and rounds. */
export function splitRun(run: string): { readonly step: string; readonly rounds: readonly number[] } {
  const at = run.indexOf('[');
  if (at < 0) return { step: run, rounds: [] };
  return { step: run.slice(0, at), rounds: [...run.slice(at).matchAll(/\[(\d+)\]/g)].map((found) => Number(found[1])) };
}
