import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { peersQuery } from '@/shared/api/requests/peers';
import { useMessages } from '@/shared/i18n/messages';
import { MeshNotice } from '@/shared/mesh/mesh-notice';
import { PageHeader, Panel, ScrollPage } from '@/shared/ui/page';
import { Tabs } from '@/shared/ui/tabs';
import { Decisions } from './decisions';
import { Receipts } from './receipts';
import { Totals } from './totals';

const TABS = [
  ['list', Receipts],
  ['months', Totals],
  ['decisions', Decisions],
] as const;

/** What was done for friends and by friends, and what was decided about them. */
export default function ReceiptsPage() {
  const t = useMessages();
  const navigate = useNavigate();
  const peers = useQuery(peersQuery);
  const { tab } = useSearch({ strict: false }) as { readonly tab?: unknown };
  return (
    <div className="flex h-full flex-col">
      <PageHeader title={t('receipts.title')} hint={t('receipts.hint')} />
      <Tabs
        label={t('receipts.title')}
        value={TABS.find(([id]) => id === tab)?.[0] ?? 'list'}
        onChange={(id) => void navigate({ to: '/receipts', search: id === 'list' ? {} : { tab: id }, replace: true })}
        tabs={TABS.map(([id, Content]) => ({
          id,
          label: t(`receipts.tab.${id}`),
          content: () => (
            <ScrollPage>
              <div className="flex max-w-240 flex-col gap-4 px-4 pt-4 md:px-6">
                <MeshNotice of={peers} />
                <Panel>
                  <Content />
                </Panel>
              </div>
            </ScrollPage>
          ),
        }))}
      />
    </div>
  );
}
