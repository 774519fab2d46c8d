import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ChartNoAxesColumn, Cpu, Play, Plus, Upload, UserCheck, Workflow } from 'lucide-react';
import { Suspense, useMemo, useState } from 'react';
import { approvalsQuery } from '@/shared/api/requests/approvals';
import { fetchJobs, NO_FILTER } from '@/shared/api/requests/jobs';
import { nodeQuery } from '@/shared/api/requests/node';
import { presetsQuery } from '@/shared/api/requests/presets';
import { type DraftSummary, hasEnded } from '@/shared/api/types';
import { useRefused } from '@/shared/auth/may';
import { durationMs, fullTime, minute, moment, shortId } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import type { Runnable } from '@/shared/jobs/run-dialog';
import { useNewDraft, useOpenDraft } from '@/shared/presets/new-draft';
import { type RecipeName, recipe, recipeHint, recipeTitle } from '@/shared/presets/recipes';
import { Button } from '@/shared/ui/button';
import { type Command, useCommands } from '@/shared/ui/commands';
import { lazily } from '@/shared/ui/lazily';
import { PageHeader, Panel, ScrollPage } from '@/shared/ui/page';
import { Prose } from '@/shared/ui/prose';
import { Problem, Ready } from '@/shared/ui/states';
import { StateIcon, stateLabel, stateTone } from '@/shared/ui/status';

const RunDialog = lazily(() => import('@/shared/jobs/run-dialog'));
const NewDialog = lazily(() => import('@/shared/presets/new-dialog'));
const ImportDialog = lazily(() => import('@/shared/presets/import-dialog'));

export default function HomePage() {
  const t = useMessages();
  const [running, setRunning] = useState<Runnable>();
  const [making, setMaking] = useState<'new' | 'import'>();
  const mayEdit = useRefused('editor') === undefined;
  useCommands(
    useMemo((): Command[] => {
      const group = t('nav.workflows');
      const ask = (id: 'new' | 'import', title: string, icon: Command['icon']): Command => ({
        id: `home.${id}`,
        title,
        group,
        icon,
        isDisabled: !mayEdit,
        run: () => setMaking(id),
      });
      return [ask('new', t('workflows.new'), Plus), ask('import', t('workflows.import'), Upload)];
    }, [t, mayEdit]),
  );
  const makeDraft = useNewDraft();
  const open = useOpenDraft();
  const run = useMutation({
    mutationFn: recipe,
    onSuccess: (preset) => setRunning({ kind: 'recipe', preset }),
  });
  const use = useMutation({
    mutationFn: async (name: RecipeName) => makeDraft(await recipe(name)),
    onSuccess: ({ id }) => open(id),
  });
  return (
    <ScrollPage>
      <PageHeader title={t('home.title')} hint={t('home.hint')}>
        {mayEdit && (
          <Button look="primary" onClick={() => setMaking('new')}>
            <Plus aria-hidden className="size-4" />
            {t('workflows.new')}
          </Button>
        )}
      </PageHeader>
      <div className="grid items-start gap-4 px-4 md:px-6 lg:grid-cols-[3fr_2fr]">
        <div className="flex min-w-0 flex-col gap-4">
          <Waiting />
          <Panel title={t('home.try')}>
            <div className="grid gap-3 p-4 sm:grid-cols-2">
              {HOME_RECIPES.map(([name, Icon]) => (
                <Recipe
                  key={name}
                  icon={<Icon aria-hidden />}
                  title={t(recipeTitle(name))}
                  hint={t(recipeHint(name))}
                  isBusy={use.isPending}
                  onRun={() => run.mutate(name)}
                  onUse={() => use.mutate(name)}
                />
              ))}
            </div>
            <div className="px-4 pb-3 empty:hidden">
              <Problem error={run.error ?? use.error} />
            </div>
          </Panel>
          <Workflows onRun={(which) => setRunning({ kind: 'draft', which })} onNew={() => setMaking('new')} />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Recent />
          <Health />
        </div>
      </div>
      <Suspense>
        {running && <RunDialog what={running} onClose={() => setRunning(undefined)} />}
        {making === 'new' && <NewDialog onClose={() => setMaking(undefined)} onImport={() => setMaking('import')} />}
        {making === 'import' && <ImportDialog text="" onClose={() => setMaking(undefined)} />}
      </Suspense>
    </ScrollPage>
  );
}

/** Two that need nothing but this machine. */
const HOME_RECIPES = [
  ['machine', Cpu],
  ['log', ChartNoAxesColumn],
] as const;

type RecipeProps = {
  readonly icon: React.ReactNode;
  readonly title: string;
  readonly hint: string;
  readonly isBusy: boolean;
  readonly onRun: () => void;
  readonly onUse: () => void;
};

function Recipe({ icon, title, hint, isBusy, onRun, onUse }: RecipeProps) {
  const t = useMessages();
  return (
    <div className="flex flex-col gap-2 rounded-card border border-line bg-bg p-3">
      <h3 className="flex items-center gap-2 [&>svg]:size-4 [&>svg]:text-muted">
        {icon}
        {title}
      </h3>
      <p className="flex-1 text-muted">{hint}</p>
      <div className="flex flex-wrap gap-2">
        <Button needs="runner" onClick={onRun} aria-label={t('home.run', { name: title })}>
          <Play aria-hidden className="size-4" />
          {t('start.run')}
        </Button>
        <Button
          needs="editor"
          look="quiet"
          disabled={isBusy}
          onClick={onUse}
          aria-label={t('home.use_name', { name: title })}
        >
          {t('home.use')}
        </Button>
      </div>
    </div>
  );
}

/** What waits for an answer, before everything else. */
function Waiting() {
  const t = useMessages();
  const approvals = useQuery(approvalsQuery);
  const count = approvals.data?.approvals.length ?? 0;
  if (count === 0) return null;
  return (
    <Link
      to="/approvals"
      className="flex items-center gap-3 rounded-card border border-wait bg-surface px-4 py-3 hover:bg-raised"
    >
      <UserCheck aria-hidden className="size-5 text-wait" />
      <span className="flex-1 font-semibold">{t('home.waiting', { count })}</span>
      <span className="text-accent">{t('home.answer')}</span>
    </Link>
  );
}

const WORKFLOWS_MAX = 8;

const newest = (drafts: readonly DraftSummary[]): DraftSummary[] =>
  [...drafts].sort((one, other) => other.changed_at - one.changed_at).slice(0, WORKFLOWS_MAX);

type WorkflowsProps = { readonly onRun: (which: string) => void; readonly onNew: () => void };

function Workflows({ onRun, onNew }: WorkflowsProps) {
  const t = useMessages();
  const presets = useQuery(presetsQuery);
  return (
    <Panel
      title={t('home.workflows')}
      action={
        <Link to="/workflows" className="text-accent underline">
          {t('home.all_workflows')}
        </Link>
      }
    >
      <Ready of={presets}>
        {(list) =>
          list.length === 0 ? (
            <p className="flex flex-wrap items-center gap-3 p-4 text-muted">
              {t('home.no_workflows')}
              <Button needs="editor" onClick={onNew}>
                <Plus aria-hidden className="size-4" />
                {t('workflows.new')}
              </Button>
            </p>
          ) : (
            <ul>
              {newest(list).map((draft) => (
                <WorkflowRow key={draft.id} draft={draft} onRun={() => onRun(draft.id)} />
              ))}
            </ul>
          )
        }
      </Ready>
    </Panel>
  );
}

function WorkflowRow({ draft, onRun }: { readonly draft: DraftSummary; readonly onRun: () => void }) {
  const t = useMessages();
  const title = draft.title || draft.name;
  return (
    <li className="flex items-center gap-3 border-t border-line px-4 py-2 first:border-t-0">
      <Workflow aria-hidden className="size-4 shrink-0 text-muted" />
      <div className="min-w-0 flex-1">
        <Link
          to="/workflows/$preset"
          params={{ preset: draft.id }}
          className="block truncate font-semibold hover:underline"
        >
          {title}
        </Link>
        <p className="flex flex-wrap gap-x-3 text-meta text-muted">
          <span className="whitespace-nowrap">{t('home.steps', { count: draft.steps })}</span>
          <span className="whitespace-nowrap" title={fullTime(draft.changed_at)}>
            {t('home.changed', { time: minute(draft.changed_at) })}
          </span>
          <Link
            to="/runs"
            search={{ preset: draft.name }}
            className="text-accent underline"
            aria-label={t('home.runs_of', { name: title })}
          >
            {t('home.its_runs')}
          </Link>
        </p>
      </div>
      <Button needs="runner" onClick={onRun} aria-label={t('home.run', { name: title })}>
        <Play aria-hidden className="size-4" />
        {t('start.run')}
      </Button>
    </li>
  );
}

const RECENT = 8;

function Recent() {
  const t = useMessages();
  const jobs = useQuery({
    queryKey: ['recent', 'home'],
    queryFn: ({ signal }) => fetchJobs(NO_FILTER, undefined, RECENT, signal),
  });
  return (
    <Panel
      title={t('home.recent')}
      action={
        <Link to="/runs" className="text-accent underline">
          {t('home.all_runs')}
        </Link>
      }
    >
      <Ready of={jobs}>
        {(page) =>
          page.jobs.length === 0 ? (
            <p className="p-4 text-muted">
              <Prose text={t('runs.none.hint')} />
            </p>
          ) : (
            <ul className="py-1">
              {page.jobs.map((job) => (
                <li key={job.id}>
                  <Link
                    to="/runs/$job"
                    params={{ job: job.id }}
                    className="flex min-h-9 items-center gap-2.5 px-4 hover:bg-raised focus-visible:-outline-offset-2 pointer-coarse:min-h-11"
                  >
                    <StateIcon state={job.state} />
                    <span className="min-w-0 flex-1 truncate font-semibold">
                      {job.name} <span className="font-mono text-meta font-normal text-muted">{shortId(job.id)}</span>
                    </span>
                    <span className="text-meta text-muted">
                      {hasEnded(job.state) && job.started_at && job.ended_at ? (
                        durationMs(job.ended_at - job.started_at)
                      ) : (
                        <span className={stateTone(job.state)}>{t(stateLabel(job.state))}</span>
                      )}
                    </span>
                    <span className="text-meta whitespace-nowrap text-muted">{moment(job.accepted_at)}</span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Ready>
    </Panel>
  );
}

/** The node in one line: well, or what is not. */
function Health() {
  const t = useMessages();
  const node = useQuery(nodeQuery);
  if (!node.data) return null;
  const away = node.data.roles.filter((role) => !role.ready).map((role) => role.role);
  const damaged = (node.data.stats?.files ?? []).filter((file) => file.problem).map((file) => file.file);
  const problems = [
    ...(node.data.problem ? [node.data.problem] : []),
    ...(away.length > 0 ? [t('home.roles_away', { roles: away.join(', ') })] : []),
    ...(damaged.length > 0 ? [t('home.files_damaged', { files: damaged.join(', ') })] : []),
  ];
  return (
    <Panel>
      <Link
        to="/settings"
        className="flex items-center gap-2.5 px-4 py-3 hover:bg-raised focus-visible:-outline-offset-2"
      >
        <StateIcon state={problems.length === 0 ? 'succeeded' : 'failed'} />
        <span className="flex-1">{problems.length === 0 ? t('home.well') : problems.join(' · ')}</span>
        <span className="text-meta text-muted">Flowork {node.data.version}</span>
      </Link>
    </Panel>
  );
}
