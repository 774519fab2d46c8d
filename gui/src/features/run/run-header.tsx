import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ChevronLeft, CirclePause, CirclePlay, CircleStop, GitCompare, RotateCcw } from 'lucide-react';
import { useEffect } from 'react';
import { cancelJob } from '@/shared/api/requests/cancel-job';
import { jobQuery } from '@/shared/api/requests/job';
import { pauseJob, resumeJob } from '@/shared/api/requests/pause-job';
import { hasEnded } from '@/shared/api/types';
import { durationMs, fullTime, shortHash, shortId } from '@/shared/format/format';
import type { View } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Problem } from '@/shared/ui/states';
import { StateBadge, stateLabel } from '@/shared/ui/status';
import { useNow } from '@/shared/ui/use-now';

type RunHeaderProps = {
  readonly job: string;
  readonly title: string;
  /** How the run is now, wherever the slider stands. */
  readonly newest: View;
  readonly isComparing: boolean;
  readonly onReplay: () => void;
  readonly onCompare: () => void;
};

export function RunHeader({ job, title, newest, isComparing, onReplay, onCompare }: RunHeaderProps) {
  const t = useMessages();
  const isOpen = !hasEnded(newest.state);
  const now = useNow(1_000, isOpen && newest.startedAt !== undefined);
  const cancel = useMutation({ mutationFn: () => cancelJob(job) });
  const pause = useMutation({ mutationFn: () => (newest.paused ? resumeJob(job) : pauseJob(job)) });
  const { submission, startedAt, endedAt } = newest;
  const took = startedAt === undefined ? undefined : (endedAt ?? now) - startedAt;
  const origin = submission?.replay?.origin;
  const parent = submission?.parent?.[0];
  const name = `${t(stateLabel(newest.state))}: ${title} ${shortId(job)}`;
  useEffect(() => {
    // Whoever waits in another tab sees there how it stands.
    document.title = `${name} · Flowork`;
  }, [name]);
  return (
    <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface px-2 py-1.5 md:px-3">
      <Link
        to="/runs"
        aria-label={t('run.back')}
        title={t('run.back')}
        className="inline-flex size-8 items-center justify-center rounded-control hover:bg-raised pointer-coarse:size-11"
      >
        <ChevronLeft aria-hidden className="size-4" />
      </Link>
      <div className="min-w-0 flex-1 basis-40">
        <h1 className="flex items-baseline gap-2 truncate text-title">
          <span className="truncate">{title}</span>
          <span className="font-mono text-meta font-normal text-muted max-sm:hidden">{shortId(job)}</span>
        </h1>
        <p className="flex flex-wrap items-center gap-x-3 text-meta text-muted">
          <StateBadge state={newest.state} />
          {took !== undefined && <span>{durationMs(Math.max(0, took))}</span>}
          {newest.acceptedAt !== undefined && <span>{fullTime(newest.acceptedAt)}</span>}
          {submission && (
            <span className="hidden lg:inline">{t('run.version', { version: shortHash(submission.version) })}</span>
          )}
          {submission?.dry_run && <span className="text-pin">{t('runs.is_dry')}</span>}
          {origin && <RunLink job={origin} label={t('run.origin')} />}
          {parent && <RunLink job={parent} label={t('run.parent')} />}
        </p>
      </div>
      <Problem error={cancel.error ?? pause.error} />
      <div className="flex items-center gap-1.5">
        {isOpen && (
          <>
            <Button
              aria-label={newest.paused ? t('run.resume') : t('run.pause')}
              title={newest.paused ? t('run.resume') : t('run.pause')}
              look={newest.paused ? 'primary' : 'plain'}
              needs="runner"
              disabled={pause.isPending}
              onClick={() => pause.mutate()}
            >
              {newest.paused ? (
                <CirclePlay aria-hidden className="size-4" />
              ) : (
                <CirclePause aria-hidden className="size-4" />
              )}
              <span className="max-md:hidden">{newest.paused ? t('run.resume') : t('run.pause.short')}</span>
            </Button>
            <Button
              aria-label={t('run.cancel')}
              title={t('run.cancel')}
              look="danger"
              needs="runner"
              disabled={cancel.isPending || newest.cancelReason !== undefined}
              onClick={() => cancel.mutate()}
            >
              <CircleStop aria-hidden className="size-4" />
              <span className="max-md:hidden">{t('common.cancel')}</span>
            </Button>
          </>
        )}
        <Button aria-pressed={isComparing} onClick={onCompare} className="aria-pressed:bg-raised">
          <GitCompare aria-hidden className="size-4" />
          <span className="max-md:sr-only">{t('run.compare')}</span>
        </Button>
        {!isOpen && (
          <Button needs="runner" look="primary" onClick={onReplay}>
            <RotateCcw aria-hidden className="size-4" />
            <span className="max-md:sr-only">{t('run.replay')}</span>
          </Button>
        )}
      </div>
    </header>
  );
}

function RunLink({ job, label }: { readonly job: string; readonly label: string }) {
  const known = useQuery(jobQuery(job));
  return (
    <span>
      {label}{' '}
      <Link to="/runs/$job" params={{ job }} className="text-accent underline">
        {known.data?.name ?? ''} {shortId(job)}
      </Link>
    </span>
  );
}
