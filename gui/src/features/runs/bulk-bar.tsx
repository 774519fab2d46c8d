import { Link } from '@tanstack/react-router';
import { GitCompare } from 'lucide-react';
import { useState } from 'react';
import { cancelJob } from '@/shared/api/requests/cancel-job';
import { replayJob } from '@/shared/api/requests/replay-job';
import { hasEnded, type Job } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button, buttonClass } from '@/shared/ui/button';
import { Problem } from '@/shared/ui/states';
import { type Done, inTurn } from './in-turn';
import { pairOf } from './pair';

type BulkBarProps = { readonly selected: readonly Job[]; readonly onDone: () => void };

/** What can be done to all chosen runs at once, and what came of it. */
export function BulkBar({ selected, onDone }: BulkBarProps) {
  const t = useMessages();
  const [isBusy, setBusy] = useState(false);
  const [done, setDone] = useState<{ what: 'cancel' | 'replay'; result: Done }>();
  const open = selected.filter((job) => !hasEnded(job.state));
  const ended = selected.filter((job) => hasEnded(job.state));
  const pair = pairOf(selected);
  const act = async (what: 'cancel' | 'replay') => {
    setBusy(true);
    const result = await (what === 'cancel'
      ? inTurn(open, (job) => cancelJob(job.id))
      : inTurn(ended, (job) => replayJob(job.id, {})));
    setBusy(false);
    setDone({ what, result });
    onDone();
  };
  if (selected.length === 0 && !done) return null;
  return (
    <div className="mx-4 mb-2 flex flex-wrap items-center gap-2 rounded-control bg-raised px-3 py-1.5 md:mx-6">
      {selected.length > 0 ? (
        <>
          <span className="mr-2 font-semibold">{t('runs.chosen', { count: selected.length })}</span>
          {open.length > 0 && (
            <Button needs="runner" look="danger" disabled={isBusy} onClick={() => void act('cancel')}>
              {t('runs.cancel', { count: open.length })}
            </Button>
          )}
          {ended.length > 0 && (
            <Button needs="runner" disabled={isBusy} onClick={() => void act('replay')}>
              {t('runs.replay', { count: ended.length })}
            </Button>
          )}
          {pair && (
            <Link to="/runs/$job" params={{ job: pair.newer }} search={{ other: pair.older }} className={buttonClass()}>
              <GitCompare aria-hidden className="size-4" />
              {t('run.compare')}
            </Link>
          )}
          <Button look="quiet" onClick={onDone}>
            {t('runs.unchoose')}
          </Button>
        </>
      ) : (
        done && (
          <div role="status" className="flex flex-1 flex-wrap items-center gap-3">
            <span>{t(done.what === 'cancel' ? 'runs.cancelled' : 'runs.replayed', { count: done.result.done })}</span>
            {done.result.failed > 0 && (
              <span className="text-fail">{t('runs.not_done', { count: done.result.failed })}</span>
            )}
            <Problem error={done.result.error} />
            <Button look="quiet" className="ml-auto" onClick={() => setDone(undefined)}>
              {t('common.close')}
            </Button>
          </div>
        )
      )}
    </div>
  );
}
