import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { Compass } from 'lucide-react';
import { Suspense, useCallback, useDeferredValue, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { versionQuery } from '@/shared/api/requests/version';
import { hasEnded } from '@/shared/api/types';
import { useSession } from '@/shared/auth/session';
import { LightStore, lights } from '@/shared/graph/card-states';
import { arranged } from '@/shared/graph/layout';
import { type Graph, graphOf, isPlaced } from '@/shared/graph/model';
import { isMissingRun, RunHistory } from '@/shared/history/run-history';
import type { Timeline } from '@/shared/history/timeline';
import { stepOf, type View } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { FailureNote } from '@/shared/jobs/failure-note';
import { useComponents } from '@/shared/manifests/use-components';
import { buttonClass } from '@/shared/ui/button';
import { lazily } from '@/shared/ui/lazily';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { Tabs } from '@/shared/ui/tabs';
import { useNarrow } from '@/shared/ui/use-narrow';
import { ApprovalBar } from './approval-bar';
import { ComparePanel } from './compare-panel';
import { EndSaid } from './end-said';
import { EventList } from './event-list';
import { ReplayDialog } from './replay-dialog';
import { useRunCommands } from './run-commands';
import { RunHeader } from './run-header';
import { Scrubber } from './scrubber';
import { StepList } from './step-list';
import { StepPanel } from './step-panel';
import { usePosition } from './use-position';
import { useScrubbing } from './use-scrubbing';
import { Waterfall } from './waterfall';

const GraphCanvas = lazily(() => import('@/shared/graph/canvas/graph-canvas'));

export default function RunPage() {
  const { job = '' } = useParams({ strict: false }) as { job?: string };
  // Another run is another page: nothing of the first stays.
  return <OneRun key={job} job={job} />;
}

const EMPTY: Graph = { cards: [], wires: [] };

/** The picture of the version that ran. */
function useGraph(version: string | undefined) {
  const frozen = useQuery({ ...versionQuery(version ?? ''), enabled: version !== undefined });
  const components = useComponents();
  const preset = frozen.data?.preset;
  const graph = useMemo(() => {
    if (!preset || !components.data) return EMPTY;
    const manifests = new Map(components.data.map((manifest) => [manifest.name, manifest]));
    return arranged(graphOf(preset, manifests), isPlaced(preset));
  }, [preset, components.data]);
  return { graph, preset, error: frozen.error ?? components.error, refetch: () => void frozen.refetch() };
}

function useHistory(job: string) {
  const [history] = useState(() => new RunHistory(job));
  const session = useSession();
  const secret = session.kind === 'bearer' ? session.secret : undefined;
  useEffect(() => {
    if (secret === undefined) return;
    const stop = new AbortController();
    void history.start(stop.signal);
    return () => stop.abort();
  }, [history, secret]);
  return { history, progress: useSyncExternalStore(history.subscribe, history.progress) };
}

function OneRun({ job }: { readonly job: string }) {
  const t = useMessages();
  const { history, progress } = useHistory(job);
  const { timeline } = history;
  const { lastSeq } = progress;
  const [position, move] = usePosition();
  const onSeq = useCallback((seq: number | undefined) => move({ seq }), [move]);
  const scrub = useScrubbing({ timeline, lastSeq, seq: position.seq, onSeq });
  const isFollowing = position.seq === undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the timeline grows in place; its length says when.
  const newest = useMemo(() => timeline.newest(), [timeline, lastSeq]);
  // The slider moves at once; what shows the state follows as fast as it can, and leaves out what it cannot.
  const seq = useDeferredValue(scrub.seq);
  const view = useMemo(() => (seq >= lastSeq ? newest : timeline.at(seq)), [timeline, lastSeq, seq, newest]);
  const { graph, preset, error: graphError, refetch } = useGraph(newest.submission?.version);
  const [store] = useState(() => new LightStore());
  const lit = useMemo(() => lights(graph, view), [graph, view]);
  useEffect(() => store.set(lit), [store, lit]);
  const [isReplaying, setReplaying] = useState(false);
  const [isComparing, setComparing] = useState(position.pin !== undefined || position.other !== undefined);
  const names = useMemo(() => new Map(graph.cards.map((card) => [card.id, card.name])), [graph]);
  const nameOf = useCallback((step: string) => names.get(step) ?? step, [names]);
  const isNarrow = useNarrow();
  // While nobody chooses, the step that was heard of last is kept in sight.
  const spotlight = position.step ?? (isFollowing && hasEnded(newest.state) ? undefined : lastStep(timeline, seq));
  const defaults = useMemo(
    () => Object.fromEntries(Object.entries(preset?.variables ?? {}).map(([name, variable]) => [name, variable.value])),
    [preset],
  );

  const select = useCallback((step: string | undefined) => move({ step, run: undefined }), [move]);
  const unselect = useCallback(() => move({ step: undefined, run: undefined }), [move]);
  const onTab = useCallback((tab: string) => move({ tab }), [move]);
  const onReplay = useCallback(() => setReplaying(true), []);
  const onCompare = useCallback(() => setComparing((was) => !was), []);
  useRunCommands({
    canReplay: hasEnded(newest.state) && preset !== undefined,
    onReplay,
    onCompare,
    onPlay: scrub.play,
    onFollow: scrub.follow,
  });
  const selectRun = useCallback((run: string) => move({ step: stepOf(run), run }), [move]);
  if (lastSeq === 0) {
    return (
      <>
        <h1 className="sr-only">{t('runs.title')}</h1>
        {isMissingRun(progress.error) ? (
          <MissingRun />
        ) : progress.error ? (
          <Failed error={progress.error} retry={() => location.reload()} />
        ) : (
          <Loading lines={12} />
        )}
      </>
    );
  }
  const canvas = graphError ? (
    <Failed error={graphError} retry={refetch} />
  ) : (
    <Suspense fallback={<Loading />}>
      <GraphCanvas
        graph={graph}
        lights={store}
        selected={position.step}
        onSelect={select}
        label={t('run.canvas')}
        spotlight={spotlight}
      />
    </Suspense>
  );
  const events = (
    <EventList
      timeline={timeline}
      lastSeq={lastSeq}
      seq={seq}
      isFollowing={isFollowing}
      step={position.step}
      nameOf={nameOf}
      onSeq={scrub.go}
    />
  );
  const waterfall = (
    <Waterfall
      timeline={timeline}
      isFollowing={isFollowing}
      view={view}
      selected={position.run ?? position.step}
      nameOf={nameOf}
      onSelect={selectRun}
    />
  );
  const list = <StepList graph={graph} lit={lit} selected={position.step} onSelect={select} />;
  const side = isComparing ? (
    <ComparePanel
      job={job}
      preset={newest.submission?.name ?? ''}
      timeline={timeline}
      seq={scrub.seq}
      pin={position.pin}
      other={position.other}
      nameOf={nameOf}
      onStep={select}
      onPin={(pin) => move({ pin, other: undefined })}
      onOther={(other) => move({ other, pin: undefined })}
      onClose={() => {
        setComparing(false);
        move({ pin: undefined, other: undefined });
      }}
    />
  ) : position.step !== undefined ? (
    <StepPanel
      job={job}
      view={view}
      graph={graph}
      nameOf={nameOf}
      card={graph.cards.find((card) => card.id === position.step)}
      step={position.step}
      run={position.run}
      defaults={defaults}
      tab={position.tab ?? 'out'}
      onTab={onTab}
      onRun={selectRun}
      onClose={unselect}
    />
  ) : undefined;
  const scrubber = (
    <Scrubber
      timeline={timeline}
      lastSeq={lastSeq}
      seq={scrub.seq}
      focus={scrub.focus}
      isPlaying={scrub.isPlaying}
      speed={scrub.speed}
      live={liveOf(hasEnded(newest.state), progress)}
      isFollowing={isFollowing}
      onSeq={scrub.go}
      onFollow={scrub.follow}
      onPlay={scrub.play}
      onSpeed={scrub.setSpeed}
      onClearFocus={scrub.clearFocus}
    />
  );
  return (
    <div className="flex h-full flex-col">
      <RunHeader
        job={job}
        title={preset?.title || (newest.submission?.name ?? '')}
        newest={newest}
        isComparing={isComparing}
        onReplay={onReplay}
        onCompare={onCompare}
      />
      <EndSaid job={job} newest={newest} nameOf={nameOf} />
      <ApprovalBar job={job} newest={newest} nameOf={nameOf} />
      {isNarrow ? (
        <NarrowBody canvas={canvas} side={side} events={events} waterfall={waterfall} list={list} />
      ) : (
        <WideBody
          canvas={canvas}
          side={side ?? <Overview list={list} view={newest} nameOf={nameOf} onStep={select} />}
          events={events}
          waterfall={waterfall}
          isComparing={isComparing}
        />
      )}
      {scrubber}
      {isReplaying && preset && (
        <ReplayDialog
          job={job}
          view={newest}
          graph={graph}
          preset={preset}
          step={position.step}
          onClose={() => setReplaying(false)}
        />
      )}
    </div>
  );
}

function MissingRun() {
  const t = useMessages();
  return (
    <Empty icon={<Compass aria-hidden />} title={t('run.missing')}>
      <p>{t('run.missing.hint')}</p>
      <Link to="/runs" className={buttonClass()}>
        {t('home.all_runs')}
      </Link>
    </Empty>
  );
}

function lastStep(timeline: Timeline, seq: number): string | undefined {
  const found = timeline.find(seq + 1, -1, (header) => header.run !== undefined);
  const run = found === undefined ? undefined : timeline.headers[found - 1]?.run;
  return run === undefined ? undefined : stepOf(run);
}

type Progress = ReturnType<RunHistory['progress']>;

function liveOf(isOver: boolean, progress: Progress): 'live' | 'stale' | 'ended' | 'reading' {
  if (isOver) return 'ended';
  if (progress.feed.kind === 'live') return 'live';
  return progress.isWhole && progress.feed.kind !== 'connecting' ? 'stale' : 'reading';
}

type Parts = Readonly<Record<'canvas' | 'side' | 'events' | 'waterfall', React.ReactNode>>;

type OverviewProps = {
  readonly list: React.ReactNode;
  readonly view: View;
  readonly nameOf: (step: string) => string;
  readonly onStep: (step: string) => void;
};

function Overview({ list, view, nameOf, onStep }: OverviewProps) {
  const t = useMessages();
  const failed = [...view.runs].find(([, run]) => run.status === 'failed' && run.error);
  const failure = view.state === 'failed' ? (failed?.[1].error ?? view.error) : undefined;
  return (
    <section aria-label={t('run.steps')} className="flex h-full min-h-0 flex-col bg-surface">
      {failure && (
        <div className="pt-3">
          <FailureNote failure={failure}>
            {failed && (
              <button type="button" className="text-accent underline" onClick={() => onStep(stepOf(failed[0]))}>
                {t('run.failed_step', { name: nameOf(stepOf(failed[0])) })}
              </button>
            )}
          </FailureNote>
        </div>
      )}
      <h2 className="px-3 pt-3 pb-1 text-title">{t('run.steps')}</h2>
      <p className="px-3 pb-2 text-muted">{t('run.steps.hint')}</p>
      <div className="min-h-0 flex-1">{list}</div>
    </section>
  );
}

function WideBody({ canvas, side, events, waterfall, isComparing }: Parts & { readonly isComparing: boolean }) {
  // Before and after stand side by side, which takes room.
  const columns = isComparing
    ? 'grid-cols-[minmax(0,1fr)_minmax(22rem,46%)]'
    : 'grid-cols-[minmax(0,1fr)_minmax(22rem,34%)]';
  return (
    <div className={`grid min-h-0 flex-1 ${columns} grid-rows-[minmax(0,1fr)_minmax(9rem,30%)]`}>
      <div className="min-h-0 min-w-0">{canvas}</div>
      <div className="min-h-0 border-l border-line">{side}</div>
      <div className="col-span-2 grid min-h-0 grid-cols-2 border-t border-line bg-surface">
        <div className="min-h-0 min-w-0">{events}</div>
        <div className="min-h-0 min-w-0 border-l border-line">{waterfall}</div>
      </div>
    </div>
  );
}

function NarrowBody({ canvas, side, events, waterfall, list }: Parts & { readonly list: React.ReactNode }) {
  const t = useMessages();
  const [tab, setTab] = useState('list');
  return (
    <>
      <div className="h-[28%] shrink-0 border-b border-line">{canvas}</div>
      <div className="flex min-h-0 flex-1 flex-col bg-surface">
        {side ?? (
          <Tabs
            label={t('run.parts')}
            value={tab}
            onChange={setTab}
            tabs={[
              { id: 'list', label: t('run.steps'), content: () => list },
              { id: 'events', label: t('run.events'), content: () => events },
              { id: 'waterfall', label: t('run.waterfall'), content: () => waterfall },
            ]}
          />
        )}
      </div>
    </>
  );
}
