import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Copy, Download, Ellipsis, History, Play, Trash2, TriangleAlert, Workflow } from 'lucide-react';
import { useRef } from 'react';
import { activate, deactivate } from '@/shared/api/requests/activations';
import { type DraftSummary, hasEnded, type Job } from '@/shared/api/types';
import { durationMs, fullTime, minute, moment, shortId } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Menu } from '@/shared/ui/menu';
import { Problem } from '@/shared/ui/states';
import { StateIcon, stateLabel } from '@/shared/ui/status';
import { Switch } from '@/shared/ui/switch';
import { titleOf } from './arrange';
import { useOlderRun, useProblems, useSeen } from './draft-facts';

export type RowActions = {
  readonly onRun: (draft: DraftSummary) => void;
  readonly onDuplicate: (draft: DraftSummary) => void;
  readonly onExport: (draft: DraftSummary) => void;
  readonly onDelete: (draft: DraftSummary) => void;
  readonly onRuns: (draft: DraftSummary) => void;
};

type RowProps = {
  readonly draft: DraftSummary;
  /** Its last run, when it is among the newest of the node. */
  readonly newest: Job | undefined;
  /** Whether the newest of the node are known. */
  readonly isNewestKnown: boolean;
  /** How many triggers fire, none when it is off. */
  readonly triggersOn: number | undefined;
  readonly actions: RowActions;
};

/** One workflow: what it is, how it last ran, whether it starts by itself, what is wrong with it. */
export function WorkflowRow({ draft, newest, isNewestKnown, triggersOn, actions }: RowProps) {
  const t = useMessages();
  const row = useRef<HTMLLIElement>(null);
  const isSeen = useSeen(row);
  const older = useOlderRun(draft, isSeen && isNewestKnown && newest === undefined);
  const title = titleOf(draft);
  const client = useQueryClient();
  const flip = useMutation({
    mutationFn: async (on: boolean) => void (await (on ? activate(draft.id) : deactivate(draft.id))),
    onSuccess: () => client.invalidateQueries({ queryKey: ['activations'] }),
  });
  return (
    <li
      ref={row}
      className="relative flex flex-wrap items-center gap-x-4 gap-y-1.5 border-t border-line px-4 py-2.5 first:border-t-0 hover:bg-raised"
    >
      <Workflow aria-hidden className="hidden size-4 shrink-0 text-muted md:block" />
      <div className="min-w-0 flex-1 basis-0">
        <Link
          to="/workflows/$preset"
          params={{ preset: draft.id }}
          className="block truncate text-form font-semibold after:absolute after:inset-0 after:content-[''] hover:underline"
        >
          {title}
        </Link>
        <p className="truncate text-meta text-muted">
          {title !== draft.name && (
            <span className="max-md:hidden">
              <span className="font-mono">{draft.name}</span> ·{' '}
            </span>
          )}
          {t('home.steps', { count: draft.steps })} ·{' '}
          <span title={fullTime(draft.changed_at)}>{t('home.changed', { time: minute(draft.changed_at) })}</span>
        </p>
      </div>
      {/* Beside the name on a wide screen, below it on a phone. */}
      <div className="contents max-md:order-last max-md:flex max-md:basis-full max-md:items-center max-md:gap-4">
        <Problems draft={draft} isSeen={isSeen} />
        <LastRun run={newest ?? older} />
        <TriggerSwitch
          title={title}
          triggersOn={triggersOn}
          isBusy={flip.isPending}
          onFlip={() => flip.mutate(triggersOn === undefined)}
        />
      </div>
      <div className="relative z-10 ml-auto flex items-center gap-1.5 md:ml-0">
        <Button needs="runner" onClick={() => actions.onRun(draft)} aria-label={t('home.run', { name: title })}>
          <Play aria-hidden className="size-4" />
          <span className="max-md:hidden">{t('start.run')}</span>
        </Button>
        <Menu
          label={t('workflows.more', { name: title })}
          trigger={
            <IconButton label={t('workflows.more', { name: title })}>
              <Ellipsis aria-hidden className="size-4" />
            </IconButton>
          }
          items={[
            { id: 'runs', label: t('workflows.runs'), icon: History, onSelect: () => actions.onRuns(draft) },
            {
              id: 'copy',
              label: t('workflows.duplicate'),
              icon: Copy,
              needs: 'editor',
              onSelect: () => actions.onDuplicate(draft),
            },
            { id: 'export', label: t('workflows.export'), icon: Download, onSelect: () => actions.onExport(draft) },
            {
              id: 'delete',
              label: t('workflows.delete'),
              icon: Trash2,
              isDanger: true,
              needs: 'editor',
              onSelect: () => actions.onDelete(draft),
            },
          ]}
        />
      </div>
      {flip.error && (
        <div className="relative z-10 order-last flex basis-full items-start gap-3">
          <div className="flex-1">
            <Problem error={flip.error} />
          </div>
          <Button look="quiet" onClick={() => flip.reset()}>
            {t('common.close')}
          </Button>
        </div>
      )}
    </li>
  );
}

function Problems({ draft, isSeen }: { readonly draft: DraftSummary; readonly isSeen: boolean }) {
  const t = useMessages();
  const { data } = useProblems(draft, isSeen);
  const errors = data?.filter((problem) => problem.severity === 'error').length ?? 0;
  const warnings = (data?.length ?? 0) - errors;
  if (errors + warnings === 0) return <span className="hidden w-28 shrink-0 lg:block" />;
  return (
    <span
      title={data?.map((problem) => problem.message).join('\n')}
      className={`relative z-10 flex shrink-0 items-center gap-1.5 max-md:text-meta md:w-28 ${errors > 0 ? 'text-fail' : 'text-wait'}`}
    >
      <TriangleAlert aria-hidden className="size-4 shrink-0" />
      {errors > 0 ? t('workflows.errors', { count: errors }) : t('workflows.warnings', { count: warnings })}
    </span>
  );
}

function LastRun({ run }: { readonly run: Job | undefined }) {
  const t = useMessages();
  if (!run) return <span className="w-44 shrink-0 text-meta text-muted max-md:hidden">{t('workflows.never_ran')}</span>;
  const took = hasEnded(run.state) && run.started_at && run.ended_at ? durationMs(run.ended_at - run.started_at) : '';
  return (
    <Link
      to="/runs/$job"
      params={{ job: run.id }}
      title={run.error?.message.split('\n')[0] ?? shortId(run.id)}
      className="relative z-10 flex min-w-0 items-center gap-1.5 text-meta text-muted hover:underline md:w-44 md:shrink-0 pointer-coarse:min-h-8"
    >
      <StateIcon state={run.state} />
      <span className="sr-only">{t('workflows.last_run', { state: t(stateLabel(run.state)) })}</span>
      <span className="truncate">
        {moment(run.accepted_at)} <span className="max-md:hidden">{took && `· ${took}`}</span>
      </span>
    </Link>
  );
}

type SwitchProps = {
  readonly title: string;
  readonly triggersOn: number | undefined;
  readonly isBusy: boolean;
  readonly onFlip: () => void;
};

function TriggerSwitch({ title, triggersOn, isBusy, onFlip }: SwitchProps) {
  const t = useMessages();
  return (
    <Switch
      isOn={triggersOn !== undefined}
      label={t('workflows.triggers_of', { name: title })}
      title={triggersOn === undefined ? t('workflows.off.hint') : t('workflows.on.hint', { count: triggersOn })}
      words={{ on: t('workflows.on'), off: t('workflows.off') }}
      needs="editor"
      isBusy={isBusy}
      onFlip={onFlip}
      className="relative z-10 w-20 text-meta max-md:ml-auto"
    />
  );
}
