import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useMemo, useRef } from 'react';
import { duration, durationMs } from '@/shared/format/format';
import type { Timeline } from '@/shared/history/timeline';
import { runsInOrder, splitRun, type View } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Empty } from '@/shared/ui/states';
import { StateIcon } from '@/shared/ui/status';
import { useNow } from '@/shared/ui/use-now';
import { lengthUs, type Row, rowOf } from './bars';
import { placeOf, stretches } from './time-scale';

const ROW = 26;

type WaterfallProps = {
  readonly timeline: Timeline;
  readonly isFollowing: boolean;
  readonly view: View;
  readonly selected: string | undefined;
  readonly nameOf: (step: string) => string;
  readonly onSelect: (run: string) => void;
};

/** Where the time went: one line for each run of a step, long pauses folded. */
export const Waterfall = memo(function Waterfall(props: WaterfallProps) {
  const { timeline, isFollowing, view, selected, nameOf, onSelect } = props;
  const t = useMessages();
  // What is open at the newest event goes on to this moment; what was open at an earlier one, to that event.
  const clock = useNow(1_000, isFollowing && view.endedAt === undefined);
  const now = view.endedAt ?? (isFollowing ? Math.max(clock, view.changedAt ?? 0) : (view.changedAt ?? 0));
  const rows = useMemo((): Row[] => {
    const found: Row[] = [];
    for (const [name, run] of runsInOrder(view)) {
      const row = rowOf(name, run, timeline.headers[run.firstSeq - 1]?.at ?? now, now);
      if (row.bars.length > 0) found.push(row);
    }
    return found;
  }, [view, timeline, now]);
  const line = useMemo(() => stretches(rows.flatMap((row) => row.bars)), [rows]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
    useFlushSync: false,
  });
  const percent = (share: number) => `${(share * 100).toFixed(3)}%`;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-center gap-2 border-b border-line px-3 py-1.5">
        <h2 className="flex min-h-7 items-center font-semibold">{t('run.waterfall')}</h2>
        {view.startedAt !== undefined && (
          <span className="text-meta text-muted">{durationMs(now - view.startedAt)}</span>
        )}
      </div>
      {rows.length === 0 && <Empty title={t('run.waterfall.none')} />}
      <div ref={scroller} className="scroll-thin min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        <ol className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const { step, rounds } = splitRun(row.name);
            return (
              <li
                key={row.name}
                className="absolute inset-x-0 top-0"
                style={{ height: ROW, transform: `translateY(${item.start}px)` }}
              >
                <button
                  type="button"
                  aria-current={selected === row.name ? 'true' : undefined}
                  onClick={() => onSelect(row.name)}
                  className="flex h-full w-full items-center gap-2 px-3 text-left hover:bg-raised focus-visible:-outline-offset-2 aria-[current]:bg-raised"
                >
                  <StateIcon state={row.run.status} className="size-3.5" />
                  <span className="w-32 shrink-0 truncate md:w-40">
                    {nameOf(step)}
                    {rounds.map((round) => `[${round}]`).join('')}
                  </span>
                  <span className="relative h-3 min-w-0 flex-1 rounded-control bg-raised">
                    {line
                      .filter((part) => part.isIdle)
                      .map((part) => (
                        <span
                          key={part.from}
                          title={t('run.waterfall.idle', { time: durationMs(part.to - part.from) })}
                          className="absolute inset-y-0 border-x border-dotted border-control bg-bg"
                          style={{ left: percent(part.left), width: percent(part.right - part.left) }}
                        />
                      ))}
                    {row.bars.map((bar, at) => {
                      const left = placeOf(line, bar.from);
                      return (
                        <span
                          key={at}
                          className={`absolute inset-y-0 min-w-0.5 rounded-xs ${bar.tone}`}
                          style={{
                            left: `min(${percent(left)}, calc(100% - 2px))`,
                            width: percent(placeOf(line, bar.to) - left),
                          }}
                        />
                      );
                    })}
                  </span>
                  <span className="w-20 shrink-0 text-right text-meta whitespace-nowrap text-muted">
                    {lengthUs(row) > 0 ? duration(lengthUs(row)) : ''}
                  </span>
                </button>
              </li>
            );
          })}
        </ol>
      </div>
    </div>
  );
});
