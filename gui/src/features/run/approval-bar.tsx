import { useMemo } from 'react';
import type { View } from '@/shared/history/view';
import { stepOf } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { DecisionForm } from '@/shared/jobs/decision-form';

type ApprovalBarProps = {
  readonly job: string;
  readonly newest: View;
  readonly nameOf: (step: string) => string;
};

/** What the run asks a person, where one looks at it. */
export function ApprovalBar({ job, newest, nameOf }: ApprovalBarProps) {
  const t = useMessages();
  const asks = useMemo(() => {
    if (newest.runsWaiting === 0) return [];
    return [...newest.runs].flatMap(([run, { wait }]) => {
      if (!wait) return [];
      if ('approval' in wait) return [{ run, title: wait.approval.title, message: wait.approval.message }];
      if (!('rerun' in wait)) return [];
      const name = nameOf(stepOf(run));
      const { attempt } = wait.rerun;
      return [{ run, title: t('approve.rerun', { name }), message: t('approve.rerun.hint', { attempt }) }];
    });
  }, [newest, nameOf, t]);
  return asks.map(({ run, title, message }) => (
    <div key={run} className="border-b border-line bg-raised px-4 py-2.5">
      <p className="font-semibold">{title}</p>
      {message && <p className="whitespace-pre-wrap text-muted">{message}</p>}
      <DecisionForm job={job} run={run} title={title} />
    </div>
  ));
}
