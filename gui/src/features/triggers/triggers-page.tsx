import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Copy, Zap } from 'lucide-react';
import { useState } from 'react';
import { activate, activationsQuery, deactivate } from '@/shared/api/requests/activations';
import { fetchJobs, NO_FILTER } from '@/shared/api/requests/jobs';
import { presetsQuery } from '@/shared/api/requests/presets';
import { startJob } from '@/shared/api/requests/start-job';
import type { Activation, DraftSummary, Job, Trigger } from '@/shared/api/types';
import { nodeAddress } from '@/shared/auth/node-address';
import { moment, shortHash, shortId } from '@/shared/format/format';
import { iconOf } from '@/shared/graph/canvas/icons';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { PageHeader, Panel, ScrollPage } from '@/shared/ui/page';
import { Empty, Problem, Ready } from '@/shared/ui/states';
import { StateBadge } from '@/shared/ui/status';

/** What starts workflows by itself: which are on, when each fired last, and what came of it. */
export default function TriggersPage() {
  const t = useMessages();
  const activations = useQuery(activationsQuery);
  const presets = useQuery(presetsQuery);
  const active = new Set(activations.data?.map((it) => it.preset));
  const off = (presets.data ?? []).filter((draft) => !active.has(draft.id));
  return (
    <ScrollPage>
      <PageHeader title={t('triggers.title')} hint={t('triggers.hint')} />
      <div className="flex max-w-240 flex-col gap-4 px-4 md:px-6">
        <Ready of={activations}>
          {(list) =>
            list.length === 0 ? (
              <Empty icon={<Zap aria-hidden />} title={t('triggers.none')}>
                <p>{t('triggers.none.hint')}</p>
              </Empty>
            ) : (
              list.map((activation) => <Active key={activation.preset} activation={activation} />)
            )
          }
        </Ready>
        {off.length > 0 && (
          <Panel title={t('triggers.off')}>
            <ul>
              {off.map((draft) => (
                <Off key={draft.id} draft={draft} />
              ))}
            </ul>
          </Panel>
        )}
      </div>
    </ScrollPage>
  );
}

function useSwitch(work: () => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: work,
    // It is on disk and counts in a moment; the node's feed says when, this only asks once more.
    onSuccess: () => client.invalidateQueries({ queryKey: ['activations'] }),
  });
}

function Active({ activation }: { readonly activation: Activation }) {
  const t = useMessages();
  const { preset, header, version } = activation;
  const off = useSwitch(() => deactivate(preset));
  const jobs = useQuery({
    queryKey: ['recent', 'triggers', preset],
    queryFn: ({ signal }) => fetchJobs({ ...NO_FILTER, preset }, undefined, 100, signal),
  });
  const triggers = Object.entries(header.triggers ?? {});
  return (
    <Panel
      title={header.title || header.name}
      action={
        <Button
          disabled={off.isPending}
          onClick={() => off.mutate()}
          aria-label={t('triggers.pause', { name: header.title || header.name })}
        >
          {t('triggers.turn_off')}
        </Button>
      }
    >
      <div className="px-4 pt-1 empty:hidden">
        <Problem error={off.error} />
      </div>
      {triggers.length === 0 && <p className="p-4 text-muted">{t('triggers.has_none')}</p>}
      <ul>
        {triggers.map(([id, trigger]) => (
          <TriggerRow
            key={id}
            id={id}
            trigger={trigger}
            version={version}
            last={jobs.data?.jobs.find((job) => job.trigger === id)}
          />
        ))}
      </ul>
      <p className="px-4 pb-2 text-meta text-muted">{t('run.version', { version: shortHash(version) })}</p>
    </Panel>
  );
}

type TriggerRowProps = {
  readonly id: string;
  readonly trigger: Trigger;
  readonly version: string;
  readonly last: Job | undefined;
};

function TriggerRow({ id, trigger, version, last }: TriggerRowProps) {
  const t = useMessages();
  const navigate = useNavigate();
  const Icon = iconOf(trigger.component, 'Triggers');
  const name = trigger.name || id;
  const test = useMutation({
    mutationFn: () => startJob({ version, trigger: id }, crypto.randomUUID()),
    onSuccess: (job) => navigate({ to: '/runs/$job', params: { job } }),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 last:border-b-0">
      <Icon aria-hidden className="size-4 shrink-0 text-muted" />
      <div className="min-w-0 flex-1 basis-60">
        <p className={`font-semibold ${trigger.disabled ? 'line-through' : ''}`}>{name}</p>
        {trigger.component === 'webhook' && <Hook trigger={trigger} />}
        <p className="flex flex-wrap items-center gap-x-2 text-meta text-muted">
          {last ? (
            <>
              {t('triggers.last', { time: moment(last.accepted_at) })}
              <Link to="/runs/$job" params={{ job: last.id }} className="text-accent underline">
                {shortId(last.id)}
              </Link>
              <StateBadge state={last.state} />
            </>
          ) : (
            t('triggers.never')
          )}
        </p>
        <Problem error={test.error} />
      </div>
      <Button
        disabled={test.isPending || trigger.disabled}
        onClick={() => test.mutate()}
        aria-label={t('triggers.test_one', { name })}
      >
        <Zap aria-hidden className="size-4" />
        {t('triggers.test')}
      </Button>
    </li>
  );
}

function Hook({ trigger }: { readonly trigger: Trigger }) {
  const t = useMessages();
  const [isCopied, setCopied] = useState(false);
  const path = typeof trigger.config?.path === 'string' ? trigger.config.path : '';
  const address = `${nodeAddress()}/hooks/${path}`;
  return (
    <p className="flex items-center gap-1">
      <code className="truncate font-mono text-meta">{address}</code>
      <IconButton
        label={t('triggers.copy')}
        className="size-7!"
        onClick={() => void navigator.clipboard.writeText(address).then(() => setCopied(true))}
      >
        <Copy aria-hidden className="size-3.5" />
      </IconButton>
      <span role="status" className="text-meta text-ok">
        {isCopied ? t('triggers.copied') : ''}
      </span>
    </p>
  );
}

function Off({ draft }: { readonly draft: DraftSummary }) {
  const t = useMessages();
  const on = useSwitch(() => activate(draft.id));
  const name = draft.title || draft.name;
  return (
    <li className="flex flex-wrap items-center gap-3 border-t border-line px-4 py-2 first:border-t-0">
      <span className="min-w-0 flex-1 basis-40 truncate">{name}</span>
      <Problem error={on.error} />
      <Button disabled={on.isPending} onClick={() => on.mutate()} aria-label={t('triggers.activate', { name })}>
        {t('triggers.turn_on')}
      </Button>
    </li>
  );
}
