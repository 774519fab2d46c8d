import { X } from 'lucide-react';
import { memo, useMemo, useState } from 'react';
import { iconOf } from '@/shared/graph/canvas/icons';
import type { Card, Graph } from '@/shared/graph/model';
import type { View } from '@/shared/history/view';
import { shownStatus, stepOf } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { FailureNote } from '@/shared/jobs/failure-note';
import { IconButton } from '@/shared/ui/button';
import { Empty } from '@/shared/ui/states';
import { StateBadge } from '@/shared/ui/status';
import { Tabs } from '@/shared/ui/tabs';
import { InTab, type ItemPlace, OutTab } from './items-tab';
import { LogsTab } from './logs-tab';
import { RunPicker } from './run-picker';
import { TimingTab } from './timing-tab';
import { VariablesTab } from './variables-tab';

type StepPanelProps = {
  readonly job: string;
  readonly view: View;
  readonly graph: Graph;
  readonly nameOf: (step: string) => string;
  readonly card: Card | undefined;
  readonly step: string;
  /** Which run of the step, where it ran several times. */
  readonly run: string | undefined;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly tab: string;
  readonly onTab: (tab: string) => void;
  readonly onRun: (run: string) => void;
  readonly onClose: () => void;
};

/** Everything about one step at the moment that is looked at. */
export const StepPanel = memo(function StepPanel(props: StepPanelProps) {
  const { job, view, card, step, tab, onTab, onClose } = props;
  const t = useMessages();
  const runs = useMemo(() => [...view.runs.keys()].filter((name) => stepOf(name) === step), [view, step]);
  // The newest run of the step speaks for it until somebody chooses another.
  const name = props.run !== undefined && runs.includes(props.run) ? props.run : runs.at(-1);
  const run = name === undefined ? undefined : view.runs.get(name);
  const [focus, setFocus] = useState<ItemPlace>();
  const goTo = (place: ItemPlace | undefined) => {
    setFocus(place);
    if (place && place.run !== name) props.onRun(place.run);
  };
  const Icon = iconOf(card?.component ?? '', card?.category ?? '');
  return (
    <section
      aria-label={t('step.label', { name: card?.name ?? step })}
      className="flex h-full min-h-0 flex-col bg-surface"
    >
      <header className="flex items-start gap-2 px-3 pt-2 pb-1">
        <Icon aria-hidden className="mt-1 size-4 shrink-0 text-muted" />
        <div className="min-w-0 flex-1">
          <h2 className="truncate text-title">{card?.name ?? step}</h2>
          <p className="flex flex-wrap items-center gap-x-3 text-meta text-muted">
            <span>{card?.title ?? step}</span>
            <StateBadge state={run ? shownStatus(view, run) : 'pending'} />
          </p>
        </div>
        {runs.length > 1 && <RunPicker step={step} runs={runs} run={name} onRun={props.onRun} />}
        <IconButton label={t('step.close')} onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </header>
      {run?.error && <FailureNote failure={run.error} />}
      <Tabs
        label={t('step.tabs')}
        value={tab}
        onChange={onTab}
        tabs={[
          {
            id: 'out',
            label: t('step.out'),
            content: () => (
              <OutTab
                job={job}
                view={view}
                run={run}
                name={name}
                graph={props.graph}
                nameOf={props.nameOf}
                focus={focus}
                onFocus={goTo}
              />
            ),
          },
          {
            id: 'in',
            label: t('step.in'),
            content: () => <InTab job={job} view={view} run={run} name={name} inputs={card?.inputs ?? []} />,
          },
          { id: 'vars', label: t('step.vars'), content: () => <VariablesTab view={view} defaults={props.defaults} /> },
          {
            id: 'logs',
            label: run && run.logs.length > 0 ? `${t('step.logs')} ${run.logs.length}` : t('step.logs'),
            content: () => <LogsTab run={run} />,
          },
          {
            id: 'timing',
            label: t('step.timing'),
            content: () => (run ? <TimingTab run={run} /> : <Empty title={t('step.not_yet')} />),
          },
        ]}
      />
    </section>
  );
});
