import { ChevronDown, ChevronUp } from 'lucide-react';
import { Suspense } from 'react';
import { hasEnded } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { IconButton } from '@/shared/ui/button';
import { lazily } from '@/shared/ui/lazily';
import { Loading } from '@/shared/ui/states';
import { StateIcon } from '@/shared/ui/status';
import { type Tab, Tabs } from '@/shared/ui/tabs';
import { useBenchParts, useStoreValue } from './bench-context';
import { DataPane } from './data-pane';
import type { BottomTab } from './model';
import { RunLogs } from './run-logs';
import { RunTab } from './run-tab';
import { SaidLine, useIsSaidAbove } from './said';
import { useRun } from './use-run';

const ProblemsPanel = lazily(async () => ({ default: (await import('./panel/problems-panel')).ProblemsPanel }));

const VersionsPanel = lazily(async () => ({ default: (await import('./panel/versions-panel')).VersionsPanel }));

/** What the lower panel and the sheet of a phone show. */
export function useBottomTabs(): readonly (Tab & { readonly id: BottomTab })[] {
  const t = useMessages();
  return [
    { id: 'run', label: <RunLabel />, content: () => <RunTab /> },
    { id: 'logs', label: t('designer.tab.logs'), content: () => <RunLogs /> },
    { id: 'data', label: t('designer.tab.data'), content: () => <DataPane /> },
    {
      id: 'problems',
      label: t('designer.problems'),
      content: () => (
        <Suspense fallback={<Loading />}>
          <ProblemsPanel />
        </Suspense>
      ),
    },
    {
      id: 'versions',
      label: t('designer.versions'),
      content: () => (
        <Suspense fallback={<Loading />}>
          <VersionsPanel />
        </Suspense>
      ),
    },
  ];
}

function RunLabel() {
  const t = useMessages();
  const { view } = useRun();
  return (
    <span className="flex items-center gap-1.5">
      {t('designer.tab.run')}
      {view && <StateIcon state={view.state} className={`size-3.5 ${hasEnded(view.state) ? '' : 'opacity-90'}`} />}
    </span>
  );
}

/** The lower panel, open. */
export function BottomPanel() {
  const t = useMessages();
  const { model } = useBenchParts();
  const { tab } = useStoreValue(model.bottom);
  const tabs = useBottomTabs();
  const isSaidAbove = useIsSaidAbove();
  return (
    <section
      aria-label={t('designer.bottom')}
      className="flex h-full flex-col bg-surface focus-visible:-outline-offset-2"
    >
      <Tabs
        label={t('designer.bottom')}
        value={tab}
        tabs={tabs}
        onChange={(next) => model.bottom.set({ isOpen: true, tab: next as BottomTab })}
        end={
          <>
            {!isSaidAbove && <SaidLine />}
            <IconButton
              label={t('designer.bottom.close')}
              onClick={() => model.bottom.set({ ...model.bottom.get(), isOpen: false })}
            >
              <ChevronDown aria-hidden className="size-4" />
            </IconButton>
          </>
        }
      />
    </section>
  );
}

/** The lower panel, closed: its tabs as buttons that open it. */
export function BottomStrip() {
  const t = useMessages();
  const { model } = useBenchParts();
  const tabs = useBottomTabs();
  const isSaidAbove = useIsSaidAbove();
  return (
    <section
      aria-label={t('designer.bottom')}
      className="flex h-9 shrink-0 items-center gap-1 border-t border-line bg-surface px-2 pointer-coarse:h-11"
    >
      <div className="scroll-thin flex max-w-[calc(100%-2.5rem)] shrink-0 items-center gap-1 overflow-x-auto">
        {tabs.map(({ id, label }) => (
          <button
            key={id}
            type="button"
            className="min-h-8 rounded-control px-2.5 text-muted hover:bg-raised hover:text-text"
            onClick={() => model.bottom.set({ isOpen: true, tab: id })}
          >
            {label}
          </button>
        ))}
      </div>
      <div className="flex min-w-0 flex-1 justify-end">{!isSaidAbove && <SaidLine />}</div>
      <IconButton
        label={t('designer.bottom.open')}
        onClick={() => model.bottom.set({ ...model.bottom.get(), isOpen: true })}
      >
        <ChevronUp aria-hidden className="size-4" />
      </IconButton>
    </section>
  );
}
