import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import type { LogLine } from '@/shared/api/types';
import { clockMs } from '@/shared/format/format';
import type { Run } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Empty } from '@/shared/ui/states';

const TONES: Readonly<Record<LogLine['level'], string>> = {
  debug: 'text-muted',
  info: 'text-text',
  warn: 'text-wait',
  error: 'text-fail',
};

/** What a step wrote, newest at the bottom and in sight. */
export function LogsTab({ run }: { readonly run: Run | undefined }) {
  const t = useMessages();
  const lines = run?.logs ?? [];
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
  if (!run || lines.length === 0) return <Empty title={run ? t('step.no_logs') : t('step.not_yet')} />;
  return (
    <section
      ref={scroller}
      aria-label={t('step.logs')}
      tabIndex={0}
      className="scroll-thin h-full overflow-auto py-1 font-mono text-meta leading-5 focus-visible:-outline-offset-2"
    >
      {run.logsLeftOut > 0 && <p className="px-3 text-muted">{t('step.logs_left_out', { count: run.logsLeftOut })}</p>}
      <div className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const line = lines[row.index];
          return (
            line && (
              <div
                key={row.key}
                ref={rows.measureElement}
                data-index={row.index}
                className="absolute top-0 left-0 flex w-full gap-3 px-3"
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <span className="shrink-0 text-muted">{clockMs(line.at)}</span>
                <span className={`min-w-0 break-words whitespace-pre-wrap ${TONES[line.level]}`}>
                  {line.level === 'warn' || line.level === 'error' ? (
                    <span className="sr-only">{line.level}: </span>
                  ) : null}
                  {line.text}
                </span>
              </div>
            )
          );
        })}
      </div>
    </section>
  );
}
