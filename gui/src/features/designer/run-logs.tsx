import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef } from 'react';
import type { LogLine } from '@/shared/api/types';
import { clockMs } from '@/shared/format/format';
import { splitRun } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Empty } from '@/shared/ui/states';
import { useScene, useSelection } from './bench-context';
import { useRun } from './use-run';

const TONES: Readonly<Record<LogLine['level'], string>> = {
  debug: 'text-muted',
  info: 'text-text',
  warn: 'text-wait',
  error: 'text-fail',
};

/** What all steps wrote, in the order of time; only the selected steps' when some are selected. */
export function RunLogs() {
  const t = useMessages();
  const { view } = useRun();
  const { graph } = useScene();
  const selection = useSelection();
  const box = useRef<HTMLElement>(null);
  const lines = useMemo(() => {
    const names = new Map(graph.cards.map((card) => [card.id, card.name]));
    const some = graph.cards.some((card) => selection.has(card.id));
    return [...(view?.runs ?? [])]
      .flatMap(([name, run]) => {
        const { step } = splitRun(name);
        return some && !selection.has(step) ? [] : run.logs.map((line) => ({ line, name: names.get(step) ?? step }));
      })
      .sort((one, other) => one.line.at - other.line.at);
  }, [view, graph, selection]);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => 20,
    overscan: 20,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the virtualizer is the same as long as the list lives.
  useEffect(() => {
    if (lines.length > 0) rows.scrollToIndex(lines.length - 1);
  }, [lines.length]);
  if (lines.length === 0) {
    return (
      <Empty title={t('designer.logs.none')}>
        <p>{t('designer.logs.all')}</p>
      </Empty>
    );
  }
  return (
    <section
      ref={box}
      aria-label={t('designer.tab.logs')}
      tabIndex={0}
      className="scroll-thin h-full overflow-auto py-1 font-mono text-meta leading-5 focus-visible:-outline-offset-2"
    >
      <div className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const at = lines[row.index];
          if (!at) return null;
          return (
            <div
              key={row.key}
              ref={rows.measureElement}
              data-index={row.index}
              className="absolute top-0 left-0 flex w-full gap-3 px-3"
              style={{ transform: `translateY(${row.start}px)` }}
            >
              <span className="shrink-0 text-muted">{clockMs(at.line.at)}</span>
              <span className="w-40 shrink-0 truncate text-muted">{at.name}</span>
              <span className={`min-w-0 break-words whitespace-pre-wrap ${TONES[at.line.level]}`}>{at.line.text}</span>
            </div>
          );
        })}
      </div>
    </section>
  );
}
