import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Zap } from 'lucide-react';
import { activate, activationsQuery, deactivate } from '@/shared/api/requests/activations';
import { fetchJobs, NO_FILTER } from '@/shared/api/requests/jobs';
import { presetsQuery } from '@/shared/api/requests/presets';
import { fetchVersions } from '@/shared/api/requests/versions';
import type { Activation, DraftSummary } from '@/shared/api/types';
import { moment, shortHash } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { PageHeader, Panel, ScrollPage } from '@/shared/ui/page';
import { Prose } from '@/shared/ui/prose';
import { Empty, Problem, Ready } from '@/shared/ui/states';
import { TriggerRow } from './trigger-row';

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
                <p>
                  <Prose text={t('triggers.none.hint')} />
                </p>
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

/** The newest runs of a workflow that are looked through for what its triggers started. */
const RUNS_MAX = 200;

function Active({ activation }: { readonly activation: Activation }) {
  const t = useMessages();
  const { preset, header, version } = activation;
  const off = useSwitch(() => deactivate(preset));
  const again = useSwitch(() => activate(preset));
  const jobs = useQuery({
    queryKey: ['recent', 'triggers', preset],
    queryFn: ({ signal }) => fetchJobs({ ...NO_FILTER, preset }, undefined, RUNS_MAX, signal),
  });
  const versions = useQuery({
    queryKey: ['versions', preset, version],
    queryFn: ({ signal }) => fetchVersions(preset, signal),
    staleTime: Infinity,
  });
  const draft = useQuery(presetsQuery).data?.find((it) => it.id === preset);
  const frozenAt = versions.data?.find((it) => it.id === version)?.frozen_at;
  const isOld = draft !== undefined && frozenAt !== undefined && draft.changed_at > frozenAt;
  const triggers = Object.entries(header.triggers ?? {});
  const title = header.title || header.name;
  return (
    <Panel
      title={
        draft ? (
          <Link to="/workflows/$preset" params={{ preset }} className="hover:underline">
            {title}
          </Link>
        ) : (
          title
        )
      }
      action={
        <Button
          needs="editor"
          disabled={off.isPending}
          onClick={() => off.mutate()}
          aria-label={t('triggers.pause', { name: title })}
        >
          {t('triggers.turn_off')}
        </Button>
      }
    >
      <div className="px-4 pt-1 empty:hidden">
        <Problem error={off.error ?? again.error} />
      </div>
      {isOld && (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-raised px-4 py-1.5">
          <p className="min-w-0 flex-1 basis-60">
            {t('triggers.old', { time: moment(draft.changed_at), since: moment(frozenAt) })}
          </p>
          <Button
            needs="editor"
            disabled={again.isPending}
            onClick={() => again.mutate()}
            aria-label={t('triggers.use_draft_of', { name: title })}
          >
            {t('triggers.use_draft')}
          </Button>
        </div>
      )}
      {triggers.length === 0 && <p className="p-4 text-muted">{t('triggers.has_none')}</p>}
      <ul>
        {triggers.map(([id, trigger]) => (
          <TriggerRow
            key={id}
            id={id}
            trigger={trigger}
            version={version}
            runs={jobs.data?.jobs.filter((job) => job.trigger === id)}
          />
        ))}
      </ul>
      <p className="px-4 pb-2 text-meta text-muted">
        {t('run.version', { version: shortHash(version) })}
        {frozenAt !== undefined && ` · ${t('triggers.frozen', { time: moment(frozenAt) })}`}
      </p>
    </Panel>
  );
}

function Off({ draft }: { readonly draft: DraftSummary }) {
  const t = useMessages();
  const on = useSwitch(() => activate(draft.id));
  const name = draft.title || draft.name;
  return (
    <li className="flex flex-wrap items-center gap-3 border-t border-line px-4 py-2 first:border-t-0">
      <Link
        to="/workflows/$preset"
        params={{ preset: draft.id }}
        className="min-w-0 flex-1 basis-40 truncate hover:underline"
      >
        {name}
      </Link>
      <Problem error={on.error} />
      <Button
        needs="editor"
        disabled={on.isPending}
        onClick={() => on.mutate()}
        aria-label={t('triggers.activate', { name })}
      >
        {t('triggers.turn_on')}
      </Button>
    </li>
  );
}
