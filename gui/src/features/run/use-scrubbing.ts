//! Moving through a run: by the slider, by keys, by playing.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Timeline } from '@/shared/history/timeline';

/** The events between which one moves; the whole run unless somebody narrows it. */
export type Focus = { readonly from: number; readonly to: number };

type Ask = {
  readonly timeline: Timeline;
  readonly lastSeq: number;
  /** The event that is looked at; none follows the newest. */
  readonly seq: number | undefined;
  readonly onSeq: (seq: number | undefined) => void;
};

const EVENTS_PER_SECOND = 4;
/** Kinds of events at which a step is done: where Shift with an arrow stops. */
const STEP_ENDS = new Set(['step_succeeded', 'step_failed', 'step_skipped', 'ended']);

const takesKeys = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.closest(
    'input:not([type=range]):not([type=checkbox]), textarea, select, [role=dialog], [role=tablist], [contenteditable]',
  ) !== null;

export function useScrubbing({ timeline, lastSeq, seq: asked, onSeq }: Ask) {
  const [window, setWindow] = useState<{ from?: number; to?: number }>({});
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const focus = useMemo(
    (): Focus => ({ from: window.from ?? 0, to: Math.min(window.to ?? lastSeq, lastSeq) }),
    [window, lastSeq],
  );
  const seq = Math.max(focus.from, Math.min(asked ?? lastSeq, focus.to));
  const now = useRef({ seq, focus, isPlaying });
  now.current = { seq, focus, isPlaying };

  const go = useCallback(
    (to: number) => {
      const { from, to: end } = now.current.focus;
      onSeq(Math.max(from, Math.min(to, end)));
    },
    [onSeq],
  );
  const follow = useCallback(() => {
    setPlaying(false);
    setWindow({});
    onSeq(undefined);
  }, [onSeq]);
  const play = useCallback(() => {
    // From the end it begins again.
    if (!now.current.isPlaying && now.current.seq >= now.current.focus.to) go(now.current.focus.from);
    setPlaying(!now.current.isPlaying);
  }, [go]);

  useEffect(() => {
    if (!isPlaying) return;
    let [frame, before, rest] = [0, performance.now(), 0];
    const tick = (time: number) => {
      rest += ((time - before) / 1_000) * EVENTS_PER_SECOND * speed;
      before = time;
      const whole = Math.floor(rest);
      rest -= whole;
      if (whole > 0) go(now.current.seq + whole);
      if (now.current.seq + whole >= now.current.focus.to) setPlaying(false);
      else frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, speed, go]);

  useEffect(() => {
    const step = (direction: 1 | -1) =>
      timeline.find(now.current.seq, direction, (header) => STEP_ENDS.has(header.kind)) ??
      (direction === 1 ? now.current.focus.to : now.current.focus.from);
    const keys: Record<string, (event: KeyboardEvent) => void> = {
      ArrowLeft: (event) => go(event.shiftKey ? step(-1) : now.current.seq - 1),
      ArrowRight: (event) => go(event.shiftKey ? step(1) : now.current.seq + 1),
      Home: () => go(now.current.focus.from),
      End: () => go(now.current.focus.to),
      ' ': play,
      '[': () => setWindow((old) => ({ ...old, from: now.current.seq })),
      ']': () => setWindow((old) => ({ ...old, to: now.current.seq })),
      Escape: () => setWindow({}),
    };
    const onKey = (event: KeyboardEvent) => {
      const act = keys[event.key];
      if (!act || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || takesKeys(event.target))
        return;
      // Space on a button presses it.
      if (event.key === ' ' && event.target instanceof HTMLButtonElement) return;
      event.preventDefault();
      if (event.key !== ' ') setPlaying(false);
      act(event);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [timeline, go, play]);

  return { seq, focus, isPlaying, speed, setSpeed, go, follow, play, clearFocus: useCallback(() => setWindow({}), []) };
}
