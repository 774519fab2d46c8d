//! One open workflow as React holds it: the model, what can be done to it, and what its parts are told.
import { useEffect, useState } from 'react';
import { Ends } from '@/shared/api/ends';
import { fetchJobs, NO_FILTER } from '@/shared/api/requests/jobs';
import { useSession } from '@/shared/auth/session';
import type { DocPlace, PresetEditor } from '@/shared/document/types';
import type { Manifests } from '@/shared/graph/model';
import { splitRun } from '@/shared/history/view';
import { messages } from '@/shared/i18n/messages';
import { stateLabel } from '@/shared/ui/status';
import { Actions } from './actions';
import { type Commands, makeCommands } from './commands';
import type { Designer } from './context';
import { known } from './data';
import { DesignerModel } from './model';
import { Presence } from './presence';
import { startRun } from './start-run';

export type Bench = {
  readonly model: DesignerModel;
  readonly actions: Actions;
  readonly commands: Commands;
  readonly designer: Designer;
  readonly presence: Presence;
};

function makeBench(editor: PresetEditor, manifests: Manifests): Bench {
  const model = new DesignerModel(editor, manifests);
  const actions = new Actions(model);
  const presence = new Presence(model);
  const start: Designer['start'] = (scope) => startRun(model, scope);
  const designer: Designer = {
    editor,
    manifests,
    selection: model.selection,
    run: model.run,
    panel: model.panel,
    problems: model.problems,
    say: (text) => model.say(text),
    start,
    data: (step, side, port) =>
      known({ preset: editor.snapshot().preset, job: model.run.job(), view: model.run.view() }, step, side, port),
    show: (step, place) => {
      show(model, step);
      model.panel.set({ isWide: model.panel.get().isWide, place });
    },
    writing: (place: DocPlace | undefined) => presence.writes(place),
  };
  return { model, actions, commands: makeCommands(model, actions, start), designer, presence };
}

/** Runs that end within this are over before the eye has found them. */
const SHORT_MS = 1_000;

/** Says how a run went that ended while somebody watched or was started here; of a failed one, where. */
function tellEnds(model: DesignerModel): () => void {
  const ends = new Ends();
  return model.run.subscribe(() => {
    const view = model.run.view();
    const job = model.run.job();
    if (!view || job === undefined || !ends.isNews(job, view.state)) return;
    const t = messages();
    const failed = [...view.runs].find(([, run]) => run.status === 'failed');
    const step = failed && splitRun(failed[0]).step;
    const why = failed?.[1].error?.message.split('\n')[0];
    const name = model.card(step)?.name;
    const isFailed = view.state === 'failed';
    const text =
      isFailed && name !== undefined && why !== undefined
        ? t('designer.run.failed_in', { name, why })
        : t('designer.run.ended', { state: t(stateLabel(view.state)) });
    model.say(text, {
      tone: isFailed ? 'refused' : 'plain',
      // The lights of a longer run are seen changing; of one that is over at once nothing is.
      isQuiet: !isFailed && (view.endedAt ?? 0) - (view.acceptedAt ?? 0) >= SHORT_MS,
      action: step === undefined ? undefined : { label: t('designer.run.show'), run: () => show(model, step) },
    });
  });
}

function show(model: DesignerModel, step: string): void {
  model.selection.set([step]);
  model.stop.set(step);
  model.canvas.current?.reveal([step]);
}

/** Made once for each editor and closed with it. */
export function useBench(editor: PresetEditor, manifests: Manifests): Bench | undefined {
  const [bench, setBench] = useState<Bench>();
  useEffect(() => {
    const made = makeBench(editor, manifests);
    setBench(made);
    const leave = made.presence.start();
    const deaf = tellEnds(made.model);
    const stop = new AbortController();
    // What the workflow did last is there at once: its data, its lights.
    void fetchJobs({ ...NO_FILTER, preset: editor.snapshot().preset.name }, undefined, 1, stop.signal).then(
      ({ jobs: [job] }) => {
        if (!stop.signal.aborted && made.model.run.job() === undefined && job) made.model.run.choose(job.id);
      },
      () => {},
    );
    return () => {
      stop.abort();
      leave();
      deaf();
      made.model.close();
    };
  }, [editor, manifests]);
  const session = useSession();
  const secret = session.kind === 'bearer' ? session.secret : undefined;
  useEffect(() => {
    if (secret !== undefined) bench?.model.run.again();
  }, [bench, secret]);
  return bench;
}
