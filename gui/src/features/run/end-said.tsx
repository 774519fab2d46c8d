import { useEffect, useState } from 'react';
import { Ends } from '@/shared/api/ends';
import { durationMs } from '@/shared/format/format';
import { splitRun, type View } from '@/shared/history/view';
import { type Translate, useMessages } from '@/shared/i18n/messages';
import { stateLabel } from '@/shared/ui/status';

type EndSaidProps = { readonly job: string; readonly newest: View; readonly nameOf: (step: string) => string };

/** A region has to be there before what it says: what comes with it is not read aloud. */
const SETTLE_MS = 300;

/** Says aloud, once, how a run went that ended while somebody looked or before the page could. */
export function EndSaid({ job, newest, nameOf }: EndSaidProps) {
  const t = useMessages();
  const [ends] = useState(() => new Ends());
  const [isNews, setNews] = useState(false);
  useEffect(() => {
    if (ends.isNews(job, newest.state)) setTimeout(() => setNews(true), SETTLE_MS);
  }, [ends, job, newest.state]);
  return (
    <p role="status" className="sr-only">
      {isNews && endOf(t, newest, nameOf)}
    </p>
  );
}

function endOf(t: Translate, view: View, nameOf: (step: string) => string): string {
  const failed = [...view.runs].find(([, run]) => run.status === 'failed');
  const why = failed?.[1].error?.message.split('\n')[0];
  if (view.state === 'failed' && failed && why)
    return t('run.finished.failed', { name: nameOf(splitRun(failed[0]).step), why });
  const took = Math.max(0, (view.endedAt ?? 0) - (view.startedAt ?? view.endedAt ?? 0));
  return t('run.finished', { state: t(stateLabel(view.state)), time: durationMs(took) });
}
