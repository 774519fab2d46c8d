import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { clockMs, count } from '@/shared/format/format';
import type { Header, Timeline } from '@/shared/history/timeline';
import { splitRun, stepOf } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Select } from '@/shared/ui/field';
import { Empty } from '@/shared/ui/states';
import { eventDetail, KINDS, type Kind, kindKey, kindTone } from './event-words';

type EventListProps = {
  readonly timeline: Timeline;
  readonly lastSeq: number;
  readonly seq: number;
  readonly isFollowing: boolean;
  readonly step: string | undefined;
  readonly nameOf: (step: string) => string;
  readonly onSeq: (seq: number) => void;
};

const ROW = 28;

/** All events, of which only those in sight exist. The one that is looked at stays in sight. */
export const EventList = memo(function EventList(props: EventListProps) {
  const { timeline, lastSeq, seq, isFollowing, step, nameOf, onSeq } = props;
  const t = useMessages();
  const [kind, setKind] = useState<Kind | ''>('');
  const [isOnlyStep, setOnlyStep] = useState(false);
  const only = isOnlyStep ? step : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: headers grow in place; their number says when.
  const shown = useMemo((): readonly Header[] => {
    if (!kind && !only) return timeline.headers.slice();
    return timeline.headers.filter(
      (it) => (!kind || it.kind === kind) && (!only || (it.run !== undefined && stepOf(it.run) === only)),
    );
  }, [timeline, lastSeq, kind, only]);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
    // A seek scrolls; drawing it at once, apart from what else it changes, would lay the page out twice.
    useFlushSync: false,
  });
  const place = useMemo(() => {
    let [low, high] = [0, shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((shown[middle]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }, [shown, seq]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the virtualizer is the same as long as the list lives.
  useEffect(() => {
    if (place >= 0) rows.scrollToIndex(place, { align: isFollowing ? 'end' : 'auto' });
  }, [place, isFollowing]);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5">
        <h2 className="font-semibold">{t('run.events')}</h2>
        <span className="text-meta text-muted">{count(shown.length)}</span>
        <Select
          aria-label={t('run.events.kind')}
          className="ml-auto h-7! w-36!"
          value={kind}
          onChange={(event) => setKind(event.target.value as Kind | '')}
        >
          <option value="">{t('run.events.all')}</option>
          {KINDS.map((it) => (
            <option key={it} value={it}>
              {t(kindKey(it))}
            </option>
          ))}
        </Select>
        <label className="flex min-h-7 items-center gap-1.5">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={isOnlyStep}
            disabled={!step}
            onChange={(event) => setOnlyStep(event.target.checked)}
          />
          {t('run.events.only_step')}
        </label>
      </div>
      {shown.length === 0 && <Empty title={t('run.events.none')} />}
      <div ref={scroller} className="scroll-thin min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        <ol className="relative" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const header = shown[row.index];
            const event = header && timeline.event(header.seq);
            if (!header || !event) return null;
            const run = header.run === undefined ? undefined : splitRun(header.run);
            return (
              <li
                key={header.seq}
                className="absolute inset-x-0 top-0"
                style={{ height: ROW, transform: `translateY(${row.start}px)` }}
              >
                <button
                  type="button"
                  aria-current={header.seq === seq ? 'true' : undefined}
                  onClick={() => onSeq(header.seq)}
                  className="flex h-full w-full items-center gap-2 border-l-2 border-transparent px-3 text-left whitespace-nowrap hover:bg-raised focus-visible:-outline-offset-2 aria-[current]:border-accent aria-[current]:bg-raised"
                >
                  <span className="w-10 shrink-0 text-right text-meta text-muted">{header.seq}</span>
                  <span className="w-20 shrink-0 text-meta text-muted">{clockMs(header.at)}</span>
                  <span className={`shrink-0 ${kindTone(header.kind)}`}>{t(kindKey(header.kind))}</span>
                  {run && (
                    <span className="max-w-40 shrink-0 truncate font-semibold">
                      {nameOf(run.step)}
                      {run.rounds.map((round) => `[${round}]`).join('')}
                    </span>
                  )}
                  <span className="truncate text-muted">{eventDetail(t, event)}</span>
                </button>
              </li>
            );
          })}
        </ol>
      </div>
    </div>
  );
});
