import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { History, Pause, Play, Square } from 'lucide-react';
import { cancelJob } from '@/shared/api/requests/cancel-job';
import { pauseJob, resumeJob } from '@/shared/api/requests/pause-job';
import { hasEnded } from '@/shared/api/types';
import { count, duration, durationMs, moment, shortId } from '@/shared/format/format';
import { listLength, type Run, runsInOrder, shownStatus, splitRun } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Button, buttonClass } from '@/shared/ui/button';
import { Empty, Loading, Problem } from '@/shared/ui/states';
import { StateBadge, StateIcon, stateLabel, stateTone } from '@/shared/ui/status';
import { useNow } from '@/shared/ui/use-now';
import { useBenchParts, useScene } from './bench-context';
import { useRun } from './use-run';

const given = (run: Run): number => Object.values(run.ports).reduce((sum, port) => sum + listLength(port.items), 0);

/** The most lines: a loop of ten thousand rounds is read in the time machine. */
const LINES_MAX = 500;

/** What each step did in the run that the canvas shows. */
export function RunTab() {
  const t = useMessages();
  const { model } = useBenchParts();
  const { graph } = useScene();
  const { job, view } = useRun();
  const isOver = view === undefined || hasEnded(view.state);
  const now = useNow(500, !isOver);
  const pause = useMutation({ mutationFn: (id: string) => (view?.paused ? resumeJob(id) : pauseJob(id)) });
  const stop = useMutation({ mutationFn: (id: string) => cancelJob(id, t('designer.run.stop.reason')) });
  if (job === undefined) {
    return (
      <Empty title={t('designer.run.none')}>
        <p>{t('designer.run.none.hint')}</p>
      </Empty>
    );
  }
  if (!view) return <Loading lines={3} />;
  const names = new Map(graph.cards.map((card) => [card.id, card.name]));
  const runs = runsInOrder(view).slice(-LINES_MAX);
  const took = view.startedAt === undefined ? undefined : (view.endedAt ?? now) - view.startedAt;
  return (
    <div className="flex h-full flex-col">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-1.5">
        <StateBadge state={view.state} />
        <span className="text-muted">{shortId(job)}</span>
        {view.acceptedAt !== undefined && <span className="text-muted">{moment(view.acceptedAt)}</span>}
        {took !== undefined && <span className="text-muted">{durationMs(took)}</span>}
        <div className="flex-1" />
        {!isOver && (
          <Button needs="runner" disabled={pause.isPending} onClick={() => pause.mutate(job)}>
            {view.paused ? <Play aria-hidden className="size-3.5" /> : <Pause aria-hidden className="size-3.5" />}
            {t(view.paused ? 'designer.run.resume' : 'designer.run.pause')}
          </Button>
        )}
        {!isOver && (
          <Button needs="runner" disabled={stop.isPending} onClick={() => stop.mutate(job)}>
            <Square aria-hidden className="size-3.5" />
            {t('designer.run.stop')}
          </Button>
        )}
        <Link to="/runs/$job" params={{ job }} className={buttonClass()}>
          <History aria-hidden className="size-4" />
          {t('designer.run.open')}
        </Link>
        <Button look="quiet" onClick={() => model.run.choose(undefined)}>
          {t('designer.run.clear')}
        </Button>
      </div>
      {(view.error || stop.error || pause.error) && (
        <div className="px-3 py-1.5">
          <Problem error={stop.error ?? pause.error ?? (view.error && new Error(view.error.message))} />
        </div>
      )}
      <ul className="scroll-thin min-h-0 flex-1 overflow-y-auto" aria-label={t('designer.tab.run')}>
        {runs.map(([name, run]) => {
          const { step, rounds } = splitRun(name);
          const out = given(run);
          const status = shownStatus(view, run);
          return (
            <li key={name}>
              <button
                type="button"
                className="flex min-h-8 w-full items-center gap-3 px-3 text-left hover:bg-raised focus-visible:-outline-offset-2 pointer-coarse:min-h-11"
                onClick={() => {
                  model.selection.set([step]);
                  model.stop.set(step);
                  model.canvas.current?.reveal([step]);
                }}
              >
                <StateIcon state={status} />
                <span className="min-w-0 flex-1 truncate">
                  {names.get(step) ?? step}
                  {rounds.length > 0 && (
                    <span className="text-muted"> {rounds.map((round) => round + 1).join('.')}</span>
                  )}
                  {run.error && <span className="pl-3 text-fail">{run.error.message.split('\n')[0]}</span>}
                </span>
                {status !== run.status && <span className={stateTone(status)}>{t(stateLabel(status))}</span>}
                {run.status === 'succeeded' && (
                  <span className="shrink-0 text-muted">
                    {run.itemsIn !== undefined && `${count(run.itemsIn)} → `}
                    {t('card.items', { count: out })}
                  </span>
                )}
                <span className={`w-20 shrink-0 text-right ${stateTone(run.status)}`}>
                  {run.tookUs ? duration(run.tookUs) : ''}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
