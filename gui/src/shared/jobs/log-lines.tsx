//! Lines of logs, of which only those in sight are drawn.
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef } from 'react';
import { clockMs } from '@/shared/format/format';
import type { LogLine } from '../api/types';

const TONES: Readonly<Record<LogLine['level'], string>> = {
  debug: 'text-muted',
  info: 'text-text',
  warn: 'text-wait',
  error: 'text-fail',
};

/** A line, and which step wrote it where several do. */
export type WrittenLine = { readonly line: LogLine; readonly name?: string };

type LogLinesProps = {
  readonly lines: readonly WrittenLine[];
  readonly label: string;
  /** What stands above the lines. */
  readonly children?: ReactNode;
};

/** The newest at the bottom and in sight. */
export function LogLines({ lines, label, children }: LogLinesProps) {
  const scroller = useRef<HTMLElement>(null);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 20,
    overscan: 20,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the virtualizer is the same as long as the list lives.
  useEffect(() => {
    if (lines.length > 0) rows.scrollToIndex(lines.length - 1);
  }, [lines.length]);
  return (
    <section
      ref={scroller}
      aria-label={label}
      tabIndex={0}
      className="scroll-thin h-full overflow-auto py-1 font-mono text-meta leading-5 focus-visible:-outline-offset-2"
    >
      {children}
      <div className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const at = lines[row.index];
          if (!at) return null;
          const { line, name } = at;
          return (
            <div
              key={row.key}
              ref={rows.measureElement}
              data-index={row.index}
              className="absolute top-0 left-0 flex w-full gap-3 px-3"
              style={{ transform: `translateY(${row.start}px)` }}
            >
              <span className="shrink-0 text-muted">{clockMs(line.at)}</span>
              {name !== undefined && <span className="w-40 shrink-0 truncate text-muted">{name}</span>}
              <span className={`min-w-0 break-words whitespace-pre-wrap ${TONES[line.level]}`}>
                {(line.level === 'warn' || line.level === 'error') && <span className="sr-only">{line.level}: </span>}
                {line.text}
              </span>
            </div>
          );
        })}
      </div>
    </section>
  );
}
