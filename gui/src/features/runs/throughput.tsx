import 'uplot/dist/uPlot.min.css';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import { RECENT_MAX, recentQuery } from '@/shared/api/requests/recent-jobs';
import { clock, count } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { type Minute, perMinute } from '@/shared/jobs/live-list';
import { colour, useTheme } from '@/shared/theme/theme';
import { useNow } from '@/shared/ui/use-now';

const HOUR_MS = 3_600_000;

/** How many runs ended in each minute of the last hour, well and badly. */
export default function Throughput() {
  const t = useMessages();
  const recent = useQuery(recentQuery(HOUR_MS));
  const now = useNow(15_000);
  const minutes = useMemo(
    () => (recent.data ? perMinute(recent.data.jobs, Math.max(recent.data.since, now - HOUR_MS), now) : []),
    [recent.data, now],
  );
  const sum = (of: keyof Minute) => minutes.reduce((total, minute) => total + minute[of], 0);
  const [ok, failed] = [sum('succeeded'), sum('failed')];
  const words = t('runs.throughput.words', { accepted: sum('accepted'), ok, failed });
  return (
    <figure className="mx-4 mb-1 rounded-card border border-line bg-surface px-3 pt-2 pb-1 md:mx-6">
      <figcaption className="flex flex-wrap justify-between gap-x-4 text-meta">
        <span className="text-muted">{t('runs.throughput')}</span>
        {recent.data && (
          <span>
            {t('runs.throughput.accepted', { count: sum('accepted') })} ·{' '}
            <span className="text-ok">{t('runs.throughput.ok', { count: ok })}</span> ·{' '}
            <span className="text-fail">{t('runs.throughput.failed', { count: failed })}</span>
          </span>
        )}
      </figcaption>
      {recent.data?.isCut && (
        <p className="text-meta text-wait">
          {t('runs.throughput.cut', { most: count(RECENT_MAX), since: clock(recent.data.since) })}
        </p>
      )}
      <Chart minutes={minutes} label={words} />
    </figure>
  );
}

const HEIGHT = 80;

function Chart({ minutes, label }: { readonly minutes: readonly Minute[]; readonly label: string }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours that are read here.
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const axis = { stroke: colour('muted'), grid: { show: false }, ticks: { show: false }, font: '12px system-ui' };
    const bars = uPlot.paths.bars?.({ size: [0.7, 14], radius: 0.15 });
    const made = new uPlot(
      {
        width: at.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        padding: [10, 20, 0, 0],
        scales: { y: { range: (_, __, most) => [0, Math.max(4, most)] } },
        axes: [
          { ...axis, size: 18, values: (_, ticks) => ticks.map((tick) => clock(tick * 1_000).slice(0, 5)) },
          { ...axis, size: 32, splits: (_, __, ___, most) => [0, Math.floor(most)] },
        ],
        // The whole is drawn first, in the colour of failure; what ended well covers its part.
        series: [
          {},
          { paths: bars, fill: colour('fail'), width: 0, points: { show: false } },
          { paths: bars, fill: colour('ok'), width: 0, points: { show: false } },
        ],
      },
      [[], [], []],
      at,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: HEIGHT }));
    watch.observe(at);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [theme]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new theme makes a new plot, which wants its data.
  useEffect(() => {
    plot.current?.setData([
      minutes.map((minute) => minute.at / 1_000),
      minutes.map((minute) => minute.succeeded + minute.failed),
      minutes.map((minute) => minute.succeeded),
    ]);
  }, [minutes, theme]);
  return <div ref={box} role="img" aria-label={label} className="w-full" style={{ height: HEIGHT }} />;
}
