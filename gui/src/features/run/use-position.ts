//! Where one looks in a run: the event, the step, what is pinned to compare with. The address holds it, so that a link
//! shows the same; while the slider moves the address waits.
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';

export type Position = {
  /** The event; none follows the newest. */
  readonly seq: number | undefined;
  /** The step that is looked at. */
  readonly step: string | undefined;
  /** Which of its runs, as `step[2]`. */
  readonly run: string | undefined;
  readonly tab: string | undefined;
  /** An event of this run to compare with. */
  readonly pin: number | undefined;
  /** Another run to compare with. */
  readonly other: string | undefined;
};

const REST_MS = 150;

const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

export function readPosition(search: Readonly<Record<string, unknown>>): Position {
  return {
    seq: number(search.seq),
    step: text(search.step),
    run: text(search.run),
    tab: text(search.tab),
    pin: number(search.pin),
    other: text(search.other),
  };
}

export function usePosition(): [Position, (change: Partial<Position>) => void] {
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const navigate = useNavigate();
  const [position, setPosition] = useState(() => readPosition(search));
  const latest = useRef(position);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // The address changed by itself: back, forward, a link.
  const written = useRef(JSON.stringify(position));
  useEffect(() => {
    const read = readPosition(search);
    const key = JSON.stringify(read);
    if (key === written.current) return;
    written.current = key;
    latest.current = read;
    setPosition(read);
  }, [search]);
  const change = useCallback(
    (part: Partial<Position>) => {
      latest.current = { ...latest.current, ...part };
      setPosition(latest.current);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => {
        written.current = JSON.stringify(latest.current);
        void navigate({ to: '.', search: { ...latest.current }, replace: true, resetScroll: false });
      }, REST_MS);
    },
    [navigate],
  );
  useEffect(() => () => clearTimeout(timer.current), []);
  return [position, change];
}
