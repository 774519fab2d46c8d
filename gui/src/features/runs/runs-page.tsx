import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Suspense, useMemo, useState } from 'react';
import { jobsQuery } from '@/shared/api/requests/jobs';
import { nodeQuery } from '@/shared/api/requests/node';
import type { Job } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { lazily } from '@/shared/ui/lazily';
import { PageHeader } from '@/shared/ui/page';
import { Prose } from '@/shared/ui/prose';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { BulkBar } from './bulk-bar';
import { useFilter } from './filter';
import { FilterBar } from './filter-bar';
import { JobsTable } from './jobs-table';

const Throughput = lazily(() => import('./throughput'));

export default function RunsPage() {
  const t = useMessages();
  const { filter, span, change: setFilter } = useFilter();
  const jobs = useInfiniteQuery(jobsQuery(filter));
  const node = useQuery(nodeQuery);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const list = useMemo(() => jobs.data?.pages.flatMap((page) => page.jobs) ?? [], [jobs.data]);
  const selected = useMemo(() => list.filter((job) => chosen.has(job.id)), [list, chosen]);
  const last = jobs.data?.pages.at(-1);
  const isFiltered = filter.states.length > 0 || filter.text !== '' || filter.preset !== '' || span !== undefined;
  return (
    <div className="flex h-full flex-col">
      <PageHeader title={t('runs.title')} />
      <Suspense fallback={<div className="mx-4 h-24 md:mx-6" />}>
        <Throughput />
      </Suspense>
      <FilterBar filter={filter} span={span} onChange={setFilter} counts={node.data?.stats?.jobs} />
      <BulkBar selected={selected} onDone={() => setChosen(new Set())} />
      {(last?.index_lag ?? 0) > 0 && filter.text && (
        <p role="status" className="px-4 py-1 text-wait md:px-6">
          {t('runs.index_lag', { count: last?.index_lag ?? 0 })}
        </p>
      )}
      {(last?.missing.length ?? 0) > 0 && (
        <p role="alert" className="px-4 py-1 text-fail md:px-6">
          {t('runs.missing', { files: last?.missing.map((file) => file.file).join(', ') ?? '' })}
        </p>
      )}
      <Body
        list={list}
        isPending={jobs.isPending}
        error={jobs.data ? undefined : jobs.error}
        retry={() => void jobs.refetch()}
        empty={
          isFiltered ? (
            <Empty title={t('runs.none_found')}>
              <Button onClick={() => setFilter({ states: [], text: '', preset: '', span: 'any' })}>
                {t('runs.clear_filters')}
              </Button>
            </Empty>
          ) : (
            <Empty title={t('runs.none')}>
              <p>
                <Prose text={t('runs.none.hint')} />
              </p>
            </Empty>
          )
        }
      >
        <JobsTable
          jobs={list}
          chosen={chosen}
          onChoose={setChosen}
          hasMore={jobs.hasNextPage}
          isLoadingMore={jobs.isFetchingNextPage}
          onMore={() => void jobs.fetchNextPage()}
        />
      </Body>
    </div>
  );
}

type BodyProps = {
  readonly list: readonly Job[];
  readonly isPending: boolean;
  readonly error: unknown;
  readonly retry: () => void;
  readonly empty: React.ReactNode;
  readonly children: React.ReactNode;
};

function Body({ list, isPending, error, retry, empty, children }: BodyProps) {
  if (error) return <Failed error={error} retry={retry} />;
  if (isPending) return <Loading lines={10} />;
  return list.length === 0 ? empty : children;
}
