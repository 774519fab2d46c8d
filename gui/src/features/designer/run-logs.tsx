import { useMemo } from 'react';
import { splitRun } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { LogLines } from '@/shared/jobs/log-lines';
import { Empty } from '@/shared/ui/states';
import { useScene, useSelection } from './bench-context';
import { useRun } from './use-run';

/** What all steps wrote, in the order of time; only the selected steps' when some are selected. */
export function RunLogs() {
  const t = useMessages();
  const { view } = useRun();
  const { graph } = useScene();
  const selection = useSelection();
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
  if (lines.length === 0) {
    return (
      <Empty title={t('designer.logs.none')}>
        <p>{t('designer.logs.all')}</p>
      </Empty>
    );
  }
  return <LogLines lines={lines} label={t('designer.tab.logs')} />;
}
