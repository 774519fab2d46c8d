import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { FileUp, Plus, Search, Upload, Workflow } from 'lucide-react';
import { Suspense, useMemo, useState } from 'react';
import { activationsQuery } from '@/shared/api/requests/activations';
import { fetchDraft } from '@/shared/api/requests/draft';
import { presetsQuery } from '@/shared/api/requests/presets';
import type { DraftSummary } from '@/shared/api/types';
import { saveJson } from '@/shared/format/download';
import { useMessages } from '@/shared/i18n/messages';
import { readFileText } from '@/shared/presets/file-text';
import { useNewDraft } from '@/shared/presets/new-draft';
import { Button } from '@/shared/ui/button';
import { type Command, useCommands } from '@/shared/ui/commands';
import { Input, Select } from '@/shared/ui/field';
import { lazily } from '@/shared/ui/lazily';
import { PageHeader, ScrollPage } from '@/shared/ui/page';
import { Empty, Problem, Ready } from '@/shared/ui/states';
import { useFileDrop } from '@/shared/ui/use-file-drop';
import { arranged, newestRuns, ORDERS, type Order, readWanted, titleOf, type Wanted, writeWanted } from './arrange';
import { useNewestJobs } from './draft-facts';
import { type RowActions, WorkflowRow } from './workflow-row';

const RunDialog = lazily(() => import('@/shared/jobs/run-dialog'));
const NewDialog = lazily(() => import('@/shared/presets/new-dialog'));
const ImportDialog = lazily(() => import('@/shared/presets/import-dialog'));
const DeleteDialog = lazily(() => import('./delete-dialog').then(({ DeleteDialog: it }) => ({ default: it })));

type Open =
  | { readonly kind: 'new' }
  | { readonly kind: 'import'; readonly text: string }
  | { readonly kind: 'run'; readonly which: string }
  | { readonly kind: 'delete'; readonly draft: DraftSummary };

/** The rows that are drawn at first; the others come when they are asked for. */
const ROWS_MORE = 200;

/** All workflows of this node, and what brings more of them. */
export default function WorkflowsPage() {
  const t = useMessages();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const wanted = useMemo(() => readWanted(search), [search]);
  const want = (change: Partial<Wanted>) =>
    void navigate({ to: '/workflows', search: writeWanted({ ...wanted, ...change }), replace: true });
  const presets = useQuery(presetsQuery);
  const activations = useQuery(activationsQuery);
  const newest = useNewestJobs();
  const runs = useMemo(() => newestRuns(newest.data?.jobs ?? []), [newest.data]);
  const active = useMemo(
    () => new Map(activations.data?.map((it) => [it.preset, Object.keys(it.header.triggers ?? {}).length])),
    [activations.data],
  );
  const [open, setOpen] = useState<Open>();
  const [said, setSaid] = useState<{ text: string; link?: string }>();
  const [rows, setRows] = useState(ROWS_MORE);
  const makeDraft = useNewDraft();

  const work = useMutation({ mutationFn: (job: () => Promise<void>) => job(), onMutate: () => setSaid(undefined) });
  const exportDraft = (draft: DraftSummary) =>
    work.mutate(async () => {
      const { preset } = await fetchDraft(draft.id);
      saveJson(`${preset.name}.json`, preset);
      setSaid({ text: t('workflows.exported', { file: `${preset.name}.json` }) });
    });
  const actions: RowActions = {
    onRun: (draft) => setOpen({ kind: 'run', which: draft.id }),
    onRuns: (draft) => void navigate({ to: '/runs', search: { preset: draft.name } }),
    onExport: exportDraft,
    onDelete: (draft) => setOpen({ kind: 'delete', draft }),
    onDuplicate: (draft) =>
      work.mutate(async () => {
        const { preset } = await fetchDraft(draft.id);
        const title = t('workflows.copy_of', { title: titleOf(draft) });
        const made = await makeDraft({ ...preset, title });
        setSaid({ text: t('workflows.duplicated', { name: title }), link: made.id });
      }),
  };
  const drop = useFileDrop((file) =>
    work.mutate(async () => {
      const text = await readFileText(file, (size) => t('workflows.import.too_large', { size }));
      setOpen({ kind: 'import', text });
    }),
  );
  useCommands(
    useMemo((): Command[] => {
      const group = t('nav.workflows');
      return [
        { id: 'workflows.new', title: t('workflows.new'), group, icon: Plus, run: () => setOpen({ kind: 'new' }) },
        {
          id: 'workflows.import',
          title: t('workflows.import'),
          group,
          icon: Upload,
          run: () => setOpen({ kind: 'import', text: '' }),
        },
      ];
    }, [t]),
  );

  const isAsked = wanted.text !== '' || wanted.isOnOnly;
  return (
    <div className="relative h-full" {...drop.handlers}>
      <ScrollPage>
        <PageHeader title={t('workflows.title')} hint={t('workflows.hint')}>
          <Button needs="editor" onClick={() => setOpen({ kind: 'import', text: '' })}>
            <Upload aria-hidden className="size-4" />
            {t('workflows.import')}
          </Button>
          <Button needs="editor" look="primary" onClick={() => setOpen({ kind: 'new' })}>
            <Plus aria-hidden className="size-4" />
            {t('workflows.new')}
          </Button>
        </PageHeader>
        <div role="status" className="px-4 empty:hidden md:px-6">
          {said && (
            <p className="mb-3 flex items-center gap-3 rounded-control bg-raised px-3 py-1.5">
              <span className="min-w-0 flex-1">
                {said.text}{' '}
                {said.link && (
                  <Link to="/workflows/$preset" params={{ preset: said.link }} className="text-accent underline">
                    {t('workflows.open')}
                  </Link>
                )}
              </span>
              <Button look="quiet" onClick={() => setSaid(undefined)}>
                {t('common.close')}
              </Button>
            </p>
          )}
        </div>
        <div className="px-4 pb-2 empty:hidden md:px-6">
          <Problem error={work.error} />
        </div>
        <Ready of={presets} lines={8}>
          {(list) => {
            if (list.length === 0) return <NoneYet onNew={() => setOpen({ kind: 'new' })} />;
            const shown = arranged(list, wanted, new Set(active.keys()), (draft) => {
              return (runs.get(draft.id) ?? runs.get(draft.name))?.accepted_at ?? 0;
            });
            return (
              <>
                <Filters wanted={wanted} onWant={want} onCount={active.size} />
                {shown.length === 0 && (
                  <Empty title={t('workflows.none_found')}>
                    {isAsked && (
                      <Button onClick={() => want({ text: '', isOnOnly: false })}>{t('runs.clear_filters')}</Button>
                    )}
                  </Empty>
                )}
                {shown.length > 0 && (
                  <ul className="mx-4 rounded-card border border-line bg-surface md:mx-6">
                    {shown.slice(0, rows).map((draft) => (
                      <WorkflowRow
                        key={draft.id}
                        draft={draft}
                        newest={runs.get(draft.id) ?? runs.get(draft.name)}
                        isNewestKnown={newest.data !== undefined}
                        triggersOn={active.get(draft.id)}
                        actions={actions}
                      />
                    ))}
                  </ul>
                )}
                {shown.length > rows && (
                  <p className="p-4 text-center">
                    <Button onClick={() => setRows(rows + ROWS_MORE)}>
                      {t('workflows.show_more', { count: shown.length - rows })}
                    </Button>
                  </p>
                )}
              </>
            );
          }}
        </Ready>
      </ScrollPage>
      {drop.isOver && (
        <div className="pointer-events-none absolute inset-2 z-30 flex flex-col items-center justify-center gap-2 rounded-card border-2 border-dashed border-accent bg-surface/90">
          <FileUp aria-hidden className="size-8 text-accent" />
          <p className="text-title font-semibold">{t('workflows.drop')}</p>
        </div>
      )}
      <Suspense>
        {open?.kind === 'new' && (
          <NewDialog onClose={() => setOpen(undefined)} onImport={() => setOpen({ kind: 'import', text: '' })} />
        )}
        {open?.kind === 'import' && <ImportDialog text={open.text} onClose={() => setOpen(undefined)} />}
        {open?.kind === 'run' && (
          <RunDialog what={{ kind: 'draft', which: open.which }} onClose={() => setOpen(undefined)} />
        )}
        {open?.kind === 'delete' && (
          <DeleteDialog
            draft={open.draft}
            isOn={active.has(open.draft.id)}
            onExport={() => exportDraft(open.draft)}
            onClose={() => setOpen(undefined)}
            onDone={() => {
              setOpen(undefined);
              setSaid({ text: t('workflows.deleted', { name: titleOf(open.draft) }) });
            }}
          />
        )}
      </Suspense>
    </div>
  );
}

type FiltersProps = {
  readonly wanted: Wanted;
  readonly onWant: (change: Partial<Wanted>) => void;
  readonly onCount: number;
};

function Filters({ wanted, onWant, onCount }: FiltersProps) {
  const t = useMessages();
  return (
    <div className="flex flex-wrap items-center gap-2 px-4 pb-3 md:px-6">
      <div className="relative w-full md:w-72">
        <Search
          aria-hidden
          className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted"
        />
        <Input
          type="search"
          aria-label={t('workflows.search')}
          placeholder={t('workflows.search')}
          className="pl-8!"
          value={wanted.text}
          onChange={(event) => onWant({ text: event.target.value })}
        />
      </div>
      <label className="flex items-center gap-2 text-muted">
        <span className="max-md:sr-only">{t('workflows.order')}</span>
        <Select
          className="w-auto!"
          value={wanted.order}
          onChange={(event) => onWant({ order: event.target.value as Order })}
        >
          {ORDERS.map((order) => (
            <option key={order} value={order}>
              {t(`workflows.order.${order}`)}
            </option>
          ))}
        </Select>
      </label>
      <button
        type="button"
        aria-pressed={wanted.isOnOnly}
        onClick={() => onWant({ isOnOnly: !wanted.isOnOnly })}
        className="inline-flex min-h-7 items-center gap-1.5 rounded-full border border-line bg-surface px-2.5 hover:bg-raised aria-pressed:border-accent aria-pressed:bg-raised aria-pressed:font-semibold pointer-coarse:min-h-11"
      >
        {t('workflows.only_on')} <span className="text-muted">{onCount}</span>
      </button>
    </div>
  );
}

function NoneYet({ onNew }: { readonly onNew: () => void }) {
  const t = useMessages();
  return (
    <Empty icon={<Workflow aria-hidden />} title={t('workflows.none')}>
      <p>{t('workflows.none.hint')}</p>
      <Button needs="editor" look="primary" onClick={onNew}>
        <Plus aria-hidden className="size-4" />
        {t('workflows.new')}
      </Button>
    </Empty>
  );
}
