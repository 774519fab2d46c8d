import { ChevronFirst, ChevronLast, ChevronLeft, ChevronRight, Pause, Play, X } from 'lucide-react';
import { useEffect, useMemo, useRef } from 'react';
import { clockMs } from '@/shared/format/format';
import type { Timeline } from '@/shared/history/timeline';
import { useMessages } from '@/shared/i18n/messages';
import { colour, useTheme } from '@/shared/theme/theme';
import { IconButton } from '@/shared/ui/button';
import { Select } from '@/shared/ui/field';
import type { Focus } from './use-scrubbing';

export const SPEEDS = [1, 5, 20, 100] as const;

type ScrubberProps = {
  readonly timeline: Timeline;
  readonly lastSeq: number;
  readonly seq: number;
  readonly focus: Focus;
  readonly isPlaying: boolean;
  readonly speed: number;
  readonly live: 'live' | 'stale' | 'ended' | 'reading';
  readonly isFollowing: boolean;
  readonly onSeq: (seq: number) => void;
  readonly onFollow: () => void;
  readonly onPlay: () => void;
  readonly onSpeed: (speed: number) => void;
  readonly onClearFocus: () => void;
};

/** The slider over events, with what happened along it. */
export function Scrubber(props: ScrubberProps) {
  const { timeline, lastSeq, seq, focus, isPlaying, speed, onSeq, onPlay, onSpeed } = props;
  const t = useMessages();
  const at = timeline.headers[seq - 1]?.at;
  const isWindow = focus.from > 0 || focus.to < lastSeq;
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1 border-t border-line bg-surface px-3 py-1.5">
      <div className="flex">
        <IconButton
          className="max-md:hidden"
          label={t('scrub.first')}
          disabled={seq <= focus.from}
          onClick={() => onSeq(focus.from)}
        >
          <ChevronFirst aria-hidden className="size-4" />
        </IconButton>
        <IconButton label={t('scrub.back')} disabled={seq <= focus.from} onClick={() => onSeq(seq - 1)}>
          <ChevronLeft aria-hidden className="size-4" />
        </IconButton>
        <IconButton label={isPlaying ? t('scrub.pause') : t('scrub.play')} disabled={lastSeq === 0} onClick={onPlay}>
          {isPlaying ? <Pause aria-hidden className="size-4" /> : <Play aria-hidden className="size-4" />}
        </IconButton>
        <IconButton label={t('scrub.forward')} disabled={seq >= focus.to} onClick={() => onSeq(seq + 1)}>
          <ChevronRight aria-hidden className="size-4" />
        </IconButton>
        <IconButton
          className="max-md:hidden"
          label={t('scrub.last')}
          disabled={seq >= focus.to}
          onClick={() => onSeq(focus.to)}
        >
          <ChevronLast aria-hidden className="size-4" />
        </IconButton>
      </div>
      <Select
        aria-label={t('scrub.speed')}
        className="h-7! w-18! max-md:hidden"
        value={speed}
        onChange={(event) => onSpeed(Number(event.target.value))}
      >
        {SPEEDS.map((it) => (
          <option key={it} value={it}>
            {it}×
          </option>
        ))}
      </Select>
      <div className="order-last flex min-w-40 flex-1 basis-full flex-col md:order-none md:basis-40">
        <Density timeline={timeline} lastSeq={lastSeq} focus={focus} />
        <input
          type="range"
          aria-label={t('scrub.slider')}
          aria-valuetext={t('scrub.value', { seq, last: lastSeq })}
          min={focus.from}
          max={Math.max(focus.from + 1, focus.to)}
          disabled={lastSeq === 0}
          value={seq}
          onChange={(event) => onSeq(Number(event.target.value))}
          className="h-4 w-full accent-accent pointer-coarse:h-8"
        />
      </div>
      <span className="ml-auto text-right text-meta whitespace-nowrap md:min-w-36">
        <strong className="text-body">{t('scrub.value', { seq, last: lastSeq })}</strong>
        {at !== undefined && <span className="block text-muted">{clockMs(at)}</span>}
      </span>
      {isWindow && (
        <IconButton label={t('scrub.clear')} onClick={props.onClearFocus}>
          <X aria-hidden className="size-4" />
        </IconButton>
      )}
      <Follow {...props} />
    </div>
  );
}

function Follow({ live, isFollowing, onFollow }: ScrubberProps) {
  const t = useMessages();
  const looks = {
    live: { tone: isFollowing ? 'text-ok' : 'text-muted', dot: 'bg-ok', label: t('live.live') },
    stale: { tone: 'text-wait', dot: 'border-2 border-wait', label: t('live.not') },
    reading: { tone: 'text-muted', dot: 'border-2 border-control', label: t('live.reading') },
    ended: { tone: 'text-muted', dot: 'bg-control', label: t('live.ended') },
  }[live];
  return (
    <button
      type="button"
      aria-pressed={isFollowing}
      onClick={onFollow}
      title={t('scrub.follow')}
      className={`inline-flex min-h-7 items-center gap-1.5 rounded-full border border-line px-3 hover:bg-raised aria-pressed:bg-raised pointer-coarse:min-h-11 ${looks.tone}`}
    >
      <span aria-hidden className={`size-2 rounded-full ${looks.dot}`} />
      {looks.label}
    </button>
  );
}

const HEIGHT = 16;
/** Half the width of the slider's thumb, and the widest bar. */
const THUMB = 8;
const BAR = 8;

/** How thick events lie along the slider, failures in their colour. Drawn once for a length, not for a position. */
function Density({
  timeline,
  lastSeq,
  focus,
}: {
  readonly timeline: Timeline;
  readonly lastSeq: number;
  readonly focus: Focus;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const kinds = useMemo(() => ({ from: focus.from, to: focus.to }), [focus.from, focus.to]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours, the length what is there.
  useEffect(() => {
    const at = canvas.current;
    const pen = at?.getContext('2d');
    if (!at || !pen) return;
    const scale = devicePixelRatio;
    const width = at.clientWidth;
    at.width = width * scale;
    at.height = HEIGHT * scale;
    pen.scale(scale, scale);
    const length = Math.max(1, kinds.to - kinds.from);
    const room = width - 2 * THUMB;
    const slots = Math.min(Math.floor(room / 4), length + 1);
    if (slots < 2) return;
    const counts = Array.from({ length: slots }, () => ({ work: 0, failed: 0 }));
    for (const header of timeline.headers.slice(Math.max(0, kinds.from - 1), kinds.to)) {
      const slot = counts[Math.round(((header.seq - kinds.from) / length) * (slots - 1))];
      if (!slot) continue;
      if (header.kind === 'step_failed') slot.failed += 1;
      else if (header.kind === 'step_succeeded') slot.work += 1;
    }
    const most = Math.max(1, ...counts.map((slot) => slot.work + slot.failed));
    const step = room / (slots - 1);
    const bar = Math.max(1, Math.min(BAR, step - 1));
    counts.forEach(({ work, failed }, slot) => {
      // Each bar stands over the place of the slider's thumb.
      const size = Math.max(work + failed > 0 ? 3 : 1, ((work + failed) / most) * HEIGHT);
      pen.fillStyle = failed > 0 ? colour('fail') : work > 0 ? colour('control') : colour('line');
      pen.fillRect(THUMB + slot * step - bar / 2, HEIGHT - size, bar, size);
    });
  }, [timeline, lastSeq, kinds, theme]);
  return <canvas ref={canvas} aria-hidden className="h-4 w-full" />;
}
