import { Suspense } from 'react';
import { useSnapshot } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { lazily } from '@/shared/ui/lazily';
import { Empty, Loading } from '@/shared/ui/states';
import { useBenchParts, useSelection } from './bench-context';
import { cardOf } from './panel/card-of';

const InputData = lazily(async () => ({ default: (await import('./panel/data-tab')).InputData }));
const OutputData = lazily(async () => ({ default: (await import('./panel/data-tab')).OutputData }));

/** What goes into the selected step and what comes out of it, side by side. */
export function DataPane() {
  const t = useMessages();
  const { model, designer } = useBenchParts();
  const selection = useSelection();
  const step = [...selection].find((id) => model.card(id));
  const card = useSnapshot(designer.editor, ({ preset }) => (step === undefined ? undefined : cardOf(preset, step)));
  if (!card) return <Empty title={t('designer.data.choose')} />;
  const manifest = designer.manifests.get(card.card.component);
  const isTrigger = card.of === 'triggers';
  return (
    <Suspense fallback={<Loading />}>
      <div key={card.id} className={`grid h-full ${isTrigger ? '' : 'grid-cols-2 divide-x divide-line'}`}>
        {!isTrigger && <InputData card={card} manifest={manifest} isBelow />}
        <OutputData card={card} manifest={manifest} isBelow />
      </div>
    </Suspense>
  );
}
