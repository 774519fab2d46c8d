import { X } from 'lucide-react';
import { Suspense, useState } from 'react';
import { onlyOne } from '@/shared/graph/selection';
import { useMessages } from '@/shared/i18n/messages';
import { IconButton } from '@/shared/ui/button';
import { lazily } from '@/shared/ui/lazily';
import { Loading } from '@/shared/ui/states';
import { type Tab, Tabs } from '@/shared/ui/tabs';
import { useBenchParts, useScene, useSelection } from './bench-context';
import { useBottomTabs } from './bottom-panel';
import { CanvasPane } from './canvas-pane';
import { Outline } from './outline';
import { SaidLine } from './said';
import { Others } from './selection-panel';

const StepPanel = lazily(async () => ({ default: (await import('./panel/step-panel')).StepPanel }));

/** A phone: the canvas to look at, the steps as a list, and what is selected in a sheet from below. */
export function PhoneBody() {
  const t = useMessages();
  const { model } = useBenchParts();
  const scene = useScene();
  const selection = useSelection();
  const [tab, setTab] = useState('outline');
  const [isTall, setTall] = useState(false);
  const one = onlyOne(selection);
  const isCard = one !== undefined && scene.graph.cards.some((card) => card.id === one);
  const bottom = useBottomTabs();
  const tabs: Tab[] = [
    { id: 'outline', label: t('designer.outline'), content: () => <List /> },
    ...bottom.filter((it) => it.id !== 'data'),
  ];
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <SaidLine />
      <div className="h-[38%] shrink-0 border-b border-line">
        <CanvasPane />
      </div>
      <div className="flex min-h-0 flex-1 flex-col bg-surface">
        <Tabs label={t('designer.phone.tabs')} value={tab} onChange={setTab} tabs={tabs} />
      </div>
      {selection.size > 0 && (
        <section
          aria-label={t('designer.panel')}
          className={`absolute inset-x-0 bottom-0 z-20 flex flex-col rounded-t-card border-t border-line bg-surface shadow-2xl ${isTall ? 'h-[92%]' : 'h-[52%]'}`}
        >
          <div className="flex shrink-0 items-center">
            <button
              type="button"
              aria-label={t(isTall ? 'designer.panel.narrow' : 'designer.panel.wide')}
              aria-expanded={isTall}
              className="flex min-h-11 flex-1 items-center justify-center pl-11"
              onClick={() => setTall(!isTall)}
            >
              <span aria-hidden className="h-1.5 w-12 rounded-full bg-control" />
            </button>
            <IconButton label={t('designer.panel.close')} onClick={() => model.selection.set([])}>
              <X aria-hidden className="size-4" />
            </IconButton>
          </div>
          <div className="min-h-0 flex-1">
            {isCard ? (
              <Suspense fallback={<Loading />}>
                <StepPanel step={one} />
              </Suspense>
            ) : (
              <Others ids={selection} />
            )}
          </div>
        </section>
      )}
    </div>
  );
}

function List() {
  const t = useMessages();
  return (
    <div className="flex h-full flex-col">
      <p className="px-3 py-1.5 text-meta text-muted">{t('designer.phone.hint')}</p>
      <Outline />
    </div>
  );
}
