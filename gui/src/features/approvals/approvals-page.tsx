import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { UserCheck } from 'lucide-react';
import { approvalsQuery } from '@/shared/api/requests/approvals';
import type { Approval } from '@/shared/api/types';
import { fullTime, moment, shortId } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { DecisionForm } from '@/shared/jobs/decision-form';
import { PageHeader, ScrollPage } from '@/shared/ui/page';
import { Empty, Ready } from '@/shared/ui/states';

export default function ApprovalsPage() {
  const t = useMessages();
  const approvals = useQuery(approvalsQuery);
  return (
    <ScrollPage>
      <PageHeader title={t('approvals.title')} hint={t('approvals.hint')} />
      <Ready of={approvals}>
        {({ approvals: list, more }) =>
          list.length === 0 ? (
            <Empty icon={<UserCheck aria-hidden />} title={t('approvals.none')}>
              <p>{t('approvals.none.hint')}</p>
            </Empty>
          ) : (
            <ul className="flex max-w-200 flex-col gap-3 px-4 md:px-6">
              {list.map((approval) => (
                <Row key={`${approval.job}/${approval.run}`} approval={approval} />
              ))}
              {more && <li className="text-wait">{t('approvals.more')}</li>}
            </ul>
          )
        }
      </Ready>
    </ScrollPage>
  );
}

function Row({ approval }: { readonly approval: Approval }) {
  const t = useMessages();
  const { job, run, title, message, preset, since, expires_at, on_expiry } = approval;
  return (
    <li className="rounded-card border border-line bg-surface p-4">
      <h2 className="text-title">{title}</h2>
      {message && <p className="whitespace-pre-wrap">{message}</p>}
      <p className="mt-1 text-meta text-muted">
        <Link to="/runs/$job" params={{ job }} search={{ step: run.split('[')[0] }} className="text-accent underline">
          {preset} {shortId(job)}
        </Link>{' '}
        · {t('approvals.since', { time: moment(since) })}
        {expires_at != null &&
          ` · ${t(on_expiry ? 'approvals.expires_yes' : 'approvals.expires_no', { time: fullTime(expires_at) })}`}
      </p>
      <DecisionForm job={job} run={run} title={title} />
    </li>
  );
}
