import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Zap } from 'lucide-react';
import { useState } from 'react';
import { startJob } from '@/shared/api/requests/start-job';
import type { Job, Trigger } from '@/shared/api/types';
import { nodeAddress } from '@/shared/auth/node-address';
import { fullTime, moment, shortId } from '@/shared/format/format';
import { iconOf } from '@/shared/graph/canvas/icons';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { CopyLine } from '@/shared/ui/copy-line';
import { Problem } from '@/shared/ui/states';
import { StateBadge } from '@/shared/ui/status';
import { curlOf, hookOf, sampleCall } from './hook';
import { TestDialog } from './test-dialog';

type TriggerRowProps = {
  readonly id: string;
  readonly trigger: Trigger;
  readonly version: string;
  /** The runs that it started, newest first, of those that were looked at; undefined until that is known. */
  readonly runs: readonly Job[] | undefined;
};

/** One trigger: where it listens, what it started last, and a way to try it. */
export function TriggerRow({ id, trigger, version, runs }: TriggerRowProps) {
  const t = useMessages();
  const navigate = useNavigate();
  const [isTesting, setTesting] = useState(false);
  const Icon = iconOf(trigger.component, 'Triggers');
  const name = trigger.name || id;
  const hook = hookOf(trigger, nodeAddress());
  const test = useMutation({
    mutationFn: () => startJob({ version, trigger: id }, crypto.randomUUID()),
    onSuccess: (job) => navigate({ to: '/runs/$job', params: { job } }),
  });
  return (
    <li className="flex items-start gap-x-3 border-b border-line px-4 py-2.5 last:border-b-0">
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-muted" />
      <div className="min-w-0 flex-1">
        <p className="font-semibold">
          <span className={trigger.disabled ? 'line-through' : ''}>{name}</span>
          {trigger.disabled && <span className="font-normal text-muted"> · {t('triggers.disabled')}</span>}
        </p>
        {runs && <LastRuns runs={runs} />}
        {hook && (
          <>
            <CopyLine text={hook.address} label={t('triggers.copy')} />
            <details className="pt-1">
              <summary className="text-meta text-muted">{t('triggers.call', { method: hook.method })}</summary>
              <CopyLine text={curlOf(hook)} label={t('triggers.copy_call')} isWrapped />
              {hook.needsToken && <p className="text-meta text-muted">{t('triggers.needs_token')}</p>}
            </details>
          </>
        )}
        <Problem error={test.error} />
      </div>
      <Button
        needs="runner"
        disabled={test.isPending || trigger.disabled}
        onClick={() => (hook ? setTesting(true) : test.mutate())}
        aria-label={t('triggers.test_one', { name })}
      >
        <Zap aria-hidden className="size-4" />
        <span className="max-md:hidden">{t('triggers.test')}</span>
      </Button>
      {isTesting && hook && (
        <TestDialog
          name={name}
          version={version}
          trigger={id}
          sample={sampleCall(hook)}
          onClose={() => setTesting(false)}
        />
      )}
    </li>
  );
}

function LastRuns({ runs }: { readonly runs: readonly Job[] }) {
  const t = useMessages();
  const [last] = runs;
  if (!last) return <p className="text-meta text-muted">{t('triggers.never')}</p>;
  const failed = runs.filter((job) => job.state === 'failed');
  return (
    <>
      <p className="flex flex-wrap items-center gap-x-2 text-meta text-muted">
        <span title={fullTime(last.accepted_at)}>{t('triggers.last', { time: moment(last.accepted_at) })}</span>
        <Link to="/runs/$job" params={{ job: last.id }} className="text-accent underline">
          {shortId(last.id)}
        </Link>
        <StateBadge state={last.state} />
        {failed.length > 0 && (
          <span className="text-fail">{t('triggers.failed_of', { failed: failed.length, total: runs.length })}</span>
        )}
      </p>
      {failed[0]?.error && (
        <p className="truncate text-meta text-fail" title={failed[0].error.message}>
          {moment(failed[0].accepted_at)} · {failed[0].error.message.split('\n')[0]}
        </p>
      )}
    </>
  );
}
