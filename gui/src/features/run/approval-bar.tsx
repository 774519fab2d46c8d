import type { View } from '@/shared/history/view';
import { DecisionForm } from '@/shared/jobs/decision-form';

/** What the run asks a person, where one looks at it. */
export function ApprovalBar({ job, newest }: { readonly job: string; readonly newest: View }) {
  const asks = [...newest.runs].flatMap(([run, { wait }]) =>
    wait && 'approval' in wait ? [{ run, title: wait.approval.title, message: wait.approval.message }] : [],
  );
  return asks.map(({ run, title, message }) => (
    <div key={run} className="border-b border-line bg-raised px-4 py-2.5">
      <p className="font-semibold">{title}</p>
      {message && <p className="whitespace-pre-wrap text-muted">{message}</p>}
      <DecisionForm job={job} run={run} title={title} />
    </div>
  ));
}
