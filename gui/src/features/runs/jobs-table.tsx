import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { CornerDownRight, FlaskConical, RotateCcw } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { hasEnded, type Job } from '@/shared/api/types';
import { durationMs, fullTime, moment, shortId } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { StateBadge, StateIcon, stateLabel } from '@/shared/ui/status';
import { useNarrow } from '@/shared/ui/use-narrow';
import { useNow } from '@/shared/ui/use-now';

type JobsTableProps = {
  readonly jobs: readonly Job[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  readonly onMore: () => void;
};

const GRID = 'grid grid-cols-[2rem_8rem_minmax(12rem,1.4fr)_8rem_6.5rem_8rem_minmax(8rem,2fr)] items-center gap-x-5';

/** The list of runs: only the rows in sight exist, more are read when the end comes near. */
export function JobsTable({ jobs, chosen, onChoose, hasMore, isLoadingMore, onMore }: JobsTableProps) {
  const t = useMessages();
  const isNarrow = useNarrow();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: jobs.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isNarrow ? 64 : 40),
    getItemKey: (at) => jobs[at]?.id ?? at,
    overscan: 12,
  });
  const items = rows.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? 0;
  const wantsMore = hasMore && !isLoadingMore && lastSeen >= jobs.length - 20;
  const more = useRef(onMore);
  more.current = onMore;
  useEffect(() => {
    if (wantsMore) more.current();
  }, [wantsMore]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are measured anew when their height changes.
  useEffect(() => rows.measure(), [isNarrow]);
  const now = useNow(
    1_000,
    jobs.some((job) => !hasEnded(job.state)),
  );
  const choose = (id: string, isOn: boolean) => {
    const next = new Set(chosen);
    if (isOn) next.add(id);
    else next.delete(id);
    onChoose(next);
  };
  const areAll = jobs.length > 0 && jobs.every((job) => chosen.has(job.id));
  return (
    <div
      ref={scroller}
      role="table"
      aria-label={t('runs.title')}
      aria-rowcount={hasMore ? -1 : jobs.length + 1}
      className="scroll-thin min-h-0 flex-1 overflow-auto border-t border-line bg-surface"
    >
      <div role="rowgroup" className="sticky top-0 z-10 min-w-full bg-surface md:min-w-220">
        <div
          role="row"
          aria-rowindex={1}
          className={`border-b border-line px-4 text-meta text-muted md:px-6 ${isNarrow ? 'sr-only' : `${GRID} h-8`}`}
        >
          <span role="columnheader" className="flex items-center">
            <input
              type="checkbox"
              aria-label={t('runs.choose_all')}
              checked={areAll}
              onChange={() => onChoose(areAll ? new Set() : new Set(jobs.map((job) => job.id)))}
              className="size-4 accent-accent"
            />
          </span>
          <span role="columnheader">{t('runs.col.state')}</span>
          <span role="columnheader">{t('runs.col.workflow')}</span>
          <span role="columnheader">{t('runs.col.accepted')}</span>
          <span role="columnheader" className="text-right">
            {t('runs.col.took')}
          </span>
          <span role="columnheader">{t('runs.col.trigger')}</span>
          <span role="columnheader">{t('runs.col.error')}</span>
        </div>
      </div>
      <div role="rowgroup" className="relative min-w-full md:min-w-220" style={{ height: rows.getTotalSize() }}>
        {items.map((item) => {
          const job = jobs[item.index];
          if (!job) return null;
          const props = { job, now, isChosen: chosen.has(job.id), onChoose: choose, index: item.index };
          return (
            <div
              key={item.key}
              role="row"
              aria-rowindex={item.index + 2}
              className="absolute inset-x-0 top-0 border-b border-line hover:bg-raised has-[input:checked]:bg-raised"
              style={{ height: item.size, transform: `translateY(${item.start}px)` }}
            >
              {isNarrow ? <NarrowRow {...props} /> : <WideRow {...props} />}
            </div>
          );
        })}
      </div>
    </div>
  );
}

type RowProps = {
  readonly job: Job;
  readonly now: number;
  readonly isChosen: boolean;
  readonly onChoose: (id: string, isOn: boolean) => void;
};

function took(job: Job, now: number): string {
  const from = job.started_at ?? job.accepted_at;
  if (job.ended_at) return durationMs(job.ended_at - from);
  return job.started_at ? durationMs(Math.max(0, now - from)) : '';
}

function Choose({ job, isChosen, onChoose }: RowProps) {
  const t = useMessages();
  return (
    <input
      type="checkbox"
      aria-label={t('runs.choose', { name: job.name, id: shortId(job.id) })}
      checked={isChosen}
      onChange={(event) => onChoose(job.id, event.target.checked)}
      className="size-4 accent-accent pointer-coarse:size-6"
    />
  );
}

function Name({ job }: { readonly job: Job }) {
  const t = useMessages();
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <Link to="/runs/$job" params={{ job: job.id }} className="truncate font-semibold hover:underline">
        {job.name}
      </Link>
      <span className="font-mono text-meta text-muted">{shortId(job.id)}</span>
      {job.origin && <RotateCcw role="img" aria-label={t('runs.is_replay')} className="size-3.5 shrink-0 text-muted" />}
      {job.parent && (
        <CornerDownRight role="img" aria-label={t('runs.is_child')} className="size-3.5 shrink-0 text-muted" />
      )}
      {job.dry_run && <FlaskConical role="img" aria-label={t('runs.is_dry')} className="size-3.5 shrink-0 text-pin" />}
    </span>
  );
}

function WideRow(props: RowProps) {
  const { job, now } = props;
  return (
    <div className={`${GRID} h-full px-4 md:px-6`}>
      <span role="cell" className="flex items-center">
        <Choose {...props} />
      </span>
      <span role="cell" className="flex items-center">
        <StateBadge state={job.state} />
      </span>
      <span role="cell" className="min-w-0">
        <Name job={job} />
      </span>
      <span role="cell" className="whitespace-nowrap text-muted" title={fullTime(job.accepted_at)}>
        {moment(job.accepted_at, now)}
      </span>
      <span role="cell" className="text-right whitespace-nowrap">
        {took(job, now)}
      </span>
      <span role="cell" className="truncate text-muted">
        {job.trigger ?? ''}
      </span>
      <span role="cell" className="truncate text-fail" title={job.error?.message}>
        {job.error && `${job.error.step ? `${job.error.step}: ` : ''}${job.error.message.split('\n')[0]}`}
      </span>
    </div>
  );
}

function NarrowRow(props: RowProps) {
  const t = useMessages();
  const { job, now } = props;
  return (
    <div className="flex h-full items-center gap-3 px-4">
      <span role="cell" className="flex items-center">
        <Choose {...props} />
      </span>
      <div role="cell" className="flex min-w-0 flex-1 flex-col">
        <span className="flex items-center justify-between gap-2">
          <span className="flex min-w-0 items-center gap-2">
            <StateIcon state={job.state} />
            <span className="sr-only">{t(stateLabel(job.state))}</span>
            <Name job={job} />
          </span>
          <span className="shrink-0 text-meta text-muted">{took(job, now)}</span>
        </span>
        <span className="truncate text-meta text-muted">
          {moment(job.accepted_at, now)}
          {job.error && <span className="text-fail"> · {job.error.message.split('\n')[0]}</span>}
        </span>
      </div>
    </div>
  );
}
