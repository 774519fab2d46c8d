import { type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import type { Point } from '@/shared/graph/model';

export type Pick = {
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly icon?: ReactNode;
  /** What stands above it when it is the first of its kind. */
  readonly heading?: string;
};

type PickerProps = {
  readonly label: string;
  readonly placeholder: string;
  readonly at: Point;
  /** The list for what was typed, best first. */
  readonly find: (query: string) => readonly Pick[];
  readonly none: (query: string) => string;
  readonly onPick: (id: string) => void;
  readonly onClose: () => void;
  readonly children?: ReactNode;
};

const SHOWN_MAX = 60;
const EDGE = 8;

/** A search with a list under it, where somebody pointed: arrows choose, Enter takes, Esc closes. */
export function Picker({ label, placeholder, at, find, none, onPick, onClose, children }: PickerProps) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [query, setQuery] = useState('');
  const [place, setPlace] = useState(0);
  const [spot, setSpot] = useState({ left: at.x, top: at.y });
  const picks = find(query).slice(0, SHOWN_MAX);
  const chosen = picks[Math.min(place, picks.length - 1)];
  useLayoutEffect(() => {
    const { offsetWidth: width = 0, offsetHeight: height = 0 } = box.current ?? {};
    setSpot({
      left: Math.max(EDGE, Math.min(at.x, innerWidth - width - EDGE)),
      top: Math.max(EDGE, Math.min(at.y, innerHeight - height - EDGE)),
    });
  }, [at]);
  const chosenId = chosen?.id;
  useEffect(() => {
    if (chosenId !== undefined) document.getElementById(`${id}-${chosenId}`)?.scrollIntoView({ block: 'nearest' });
  }, [id, chosenId]);
  useEffect(() => {
    const onDown = (event: PointerEvent) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) onClose();
    };
    addEventListener('pointerdown', onDown, true);
    return () => removeEventListener('pointerdown', onDown, true);
  }, [onClose]);
  let heading = '';
  return (
    <div
      ref={box}
      role="dialog"
      aria-label={label}
      style={spot}
      className="fixed z-40 flex max-h-[min(26rem,80dvh)] w-80 max-w-[calc(100vw-1rem)] flex-col rounded-card border border-line bg-surface shadow-2xl"
    >
      <p className="px-3 pt-2.5 font-semibold">{label}</p>
      <div className="p-2">
        <input
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={chosen && `${id}-${chosen.id}`}
          aria-label={placeholder}
          placeholder={placeholder}
          ref={(field) => field?.focus({ preventScroll: true })}
          value={query}
          className="h-8 w-full rounded-control border border-control bg-surface px-2.5 text-form placeholder:text-muted pointer-coarse:h-11"
          onChange={(event) => {
            setQuery(event.target.value);
            setPlace(0);
          }}
          onKeyDown={(event) => {
            const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
            if (step !== undefined) {
              event.preventDefault();
              setPlace(Math.max(0, Math.min(picks.length - 1, Math.min(place, picks.length - 1) + step)));
            } else if (event.key === 'Enter' && chosen) {
              event.preventDefault();
              onPick(chosen.id);
            } else if (event.key === 'Escape' || event.key === 'Tab') {
              event.preventDefault();
              onClose();
            }
            event.stopPropagation();
          }}
        />
      </div>
      {children}
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label={label}
        className="scroll-thin min-h-0 overflow-y-auto px-1 pb-1"
      >
        {picks.map((pick) => {
          const shown = pick.heading !== undefined && pick.heading !== heading ? pick.heading : undefined;
          heading = pick.heading ?? heading;
          return (
            <div key={pick.id} role="presentation">
              {shown !== undefined && (
                <p role="presentation" className="px-2 pt-2 pb-0.5 text-meta font-semibold text-muted">
                  {shown}
                </p>
              )}
              {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys. */}
              <div
                id={`${id}-${pick.id}`}
                role="option"
                aria-selected={pick.id === chosen?.id}
                className="flex min-h-8 cursor-pointer items-center gap-2.5 rounded-control px-2 py-1 aria-selected:bg-raised pointer-coarse:min-h-11"
                onPointerMove={() => setPlace(picks.indexOf(pick))}
                onClick={() => onPick(pick.id)}
              >
                {pick.icon}
                <span className="min-w-0">
                  <span className="block truncate">{pick.title}</span>
                  {pick.hint && <span className="block truncate text-meta text-muted">{pick.hint}</span>}
                </span>
              </div>
            </div>
          );
        })}
      </div>
      {picks.length === 0 && (
        <p role="status" className="px-3 pb-3 text-muted">
          {none(query)}
        </p>
      )}
    </div>
  );
}
