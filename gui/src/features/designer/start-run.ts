//! Starts a run of exactly what is on the screen.
import { ApiError } from '@/shared/api/problem';
import { type StartAsk, startJob } from '@/shared/api/requests/start-job';
import type { Item } from '@/shared/api/types';
import { wiresOf } from '@/shared/graph/model';
import { messages } from '@/shared/i18n/messages';
import type { RunScope } from './context';
import { known } from './data';
import type { DesignerModel } from './model';

type Pins = Record<string, Record<string, Item[]>>;

/** What the direct sources of a step gave last, so that it alone runs. Sources of which nothing is known run too. */
async function sourcesOf(model: DesignerModel, step: string): Promise<Pins> {
  const { preset } = model.editor.snapshot();
  const source = { preset, job: model.run.job(), view: model.run.view() };
  const pins: Pins = {};
  for (const { from, to } of wiresOf(preset.wires)) {
    // What is pinned in the document is pinned already.
    if (to.step !== step || preset.steps?.[from.step]?.pin) continue;
    const found = await known(source, from.step, 'out', from.port).catch(() => undefined);
    if (!found || found.items.length < found.total) continue;
    pins[from.step] = { ...pins[from.step], [from.port]: [...found.items] };
  }
  return pins;
}

/** Starts a run and shows it; says why when it could not. */
export async function startRun(model: DesignerModel, scope: RunScope, input?: Partial<StartAsk>): Promise<void> {
  const t = messages();
  const sync = model.editor.sync();
  if (sync === 'offline' || sync === 'signed-out') {
    model.say(t('designer.run.unsaved'), { tone: 'refused' });
    return;
  }
  let heads: readonly string[];
  try {
    heads = await model.editor.saved();
  } catch {
    model.say(t('designer.run.unsaved'), { tone: 'refused' });
    return;
  }
  try {
    const more =
      scope.kind === 'all'
        ? {}
        : { until: [scope.step], ...(scope.kind === 'only' ? { pins: await sourcesOf(model, scope.step) } : {}) };
    const { triggers = {} } = model.editor.snapshot().preset;
    const on = Object.entries(triggers).filter(([, trigger]) => !trigger.disabled);
    const trigger = (on.find(([, it]) => it.component === 'manual') ?? on[0])?.[0];
    const job = await startJob(
      { preset: model.editor.id, heads: [...heads], trigger, ...input, ...more },
      crypto.randomUUID(),
    );
    model.run.choose(job);
    const bottom = model.bottom.get();
    if (bottom.isOpen && bottom.tab !== 'logs' && bottom.tab !== 'data') model.bottom.set({ isOpen: true, tab: 'run' });
    model.say(t('designer.run.started'), { isQuiet: true });
  } catch (error) {
    const isStopped = error instanceof ApiError && error.status === 422;
    // What stops it is listed; whoever pressed Run sees it at once.
    if (isStopped) model.bottom.set({ isOpen: true, tab: 'problems' });
    const why = error instanceof Error ? error.message : String(error);
    model.say(isStopped ? t('designer.run.stopped') : t('designer.run.failed', { why }), { tone: 'refused' });
  }
}
