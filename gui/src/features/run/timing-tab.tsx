import { clockMs, count, duration, fullTime } from '@/shared/format/format';
import type { Run } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Facts } from '@/shared/ui/page';
import { StateIcon } from '@/shared/ui/status';

/** When a step ran, how often it was tried, and under what rules. */
export function TimingTab({ run }: { readonly run: Run }) {
  const t = useMessages();
  const rows: [string, React.ReactNode][] = [];
  if (run.tookUs !== undefined) rows.push([t('timing.took'), duration(run.tookUs)]);
  if (run.itemsIn !== undefined) rows.push([t('timing.items_in'), count(run.itemsIn)]);
  if (run.note) rows.push([t('timing.note'), run.note]);
  if (run.effect) rows.push([t('timing.effect'), t(`effect.${run.effect}`)]);
  if (run.source) rows.push([t('timing.source'), t(`source.${typeof run.source === 'object' ? 'kept' : run.source}`)]);
  if (run.wait) rows.push([t('timing.waits'), 'until' in run.wait ? fullTime(run.wait.until) : t(waitKey(run.wait))]);
  if (run.retryAt !== undefined) rows.push([t('timing.retry'), clockMs(run.retryAt)]);
  if (run.roundsTotal !== undefined)
    rows.push([t('timing.rounds'), `${count(Object.keys(run.rounds).length)} / ${count(run.roundsTotal)}`]);
  if (run.now !== undefined) rows.push(['$now', fullTime(run.now)]);
  if (run.secrets.length > 0) rows.push([t('timing.secrets'), run.secrets.join(', ')]);
  if (run.dry) rows.push([t('timing.dry'), t('common.yes')]);
  return (
    <section
      aria-label={t('step.timing')}
      tabIndex={0}
      className="scroll-thin flex h-full flex-col gap-4 overflow-auto p-3 focus-visible:-outline-offset-2"
    >
      {rows.length > 0 && <Facts rows={rows} />}
      {run.attempts.length > 0 && (
        <table className="w-full">
          <caption className="pb-1 text-left font-semibold">{t('timing.tries')}</caption>
          <thead>
            <tr className="text-left text-meta text-muted">
              <th scope="col">#</th>
              <th scope="col">{t('timing.began')}</th>
              <th scope="col">{t('timing.ended')}</th>
              <th scope="col" className="text-right">
                {t('timing.took')}
              </th>
            </tr>
          </thead>
          <tbody>
            {run.attempts.map((attempt) => (
              <tr key={attempt.number} className="border-t border-line align-top">
                <td className="py-1 pr-2">{attempt.number}</td>
                <td className="py-1 pr-2 text-muted">
                  {attempt.started_at ? clockMs(attempt.started_at) : t('timing.not_recorded')}
                </td>
                <td className="py-1 pr-2">
                  {attempt.ended_at ? clockMs(attempt.ended_at) : ''}
                  {attempt.error && (
                    <span className="flex items-start gap-1 text-fail">
                      <StateIcon state="failed" className="mt-0.5 size-3.5" />
                      {attempt.error.message.split('\n')[0]}
                    </span>
                  )}
                </td>
                <td className="py-1 text-right whitespace-nowrap">
                  {attempt.took_us == null ? '' : duration(attempt.took_us)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

const waitKey = (wait: NonNullable<Run['wait']>) =>
  'approval' in wait
    ? 'waits.approval'
    : 'rerun' in wait
      ? 'waits.rerun'
      : 'child' in wait
        ? 'waits.child'
        : 'rounds' in wait
          ? 'waits.rounds'
          : 'waits.time';
