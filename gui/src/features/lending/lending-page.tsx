import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { pauseLending } from '@/shared/api/requests/engines';
import { grantsQuery } from '@/shared/api/requests/grants';
import { meshQuery } from '@/shared/api/requests/mesh';
import { useMessages } from '@/shared/i18n/messages';
import { MeshNotice } from '@/shared/mesh/mesh-notice';
import { PageHeader, ScrollPage } from '@/shared/ui/page';
import { Problem } from '@/shared/ui/states';
import { Switch } from '@/shared/ui/switch';
import { Tabs } from '@/shared/ui/tabs';
import { Borrowing } from './borrowing';
import { CouldThey } from './could-they';
import { Engines } from './engines';
import { Given } from './given';
import { Requests } from './requests-panel';

/** What friends may use of this node, and what this node may use of theirs. */
export default function LendingPage() {
  const t = useMessages();
  const navigate = useNavigate();
  const grants = useQuery(grantsQuery);
  const { tab } = useSearch({ strict: false }) as { readonly tab?: unknown };
  const side = (content: React.ReactNode) => (
    <ScrollPage>
      <div className="flex max-w-240 flex-col gap-4 px-4 pt-4 md:px-6">
        <MeshNotice of={grants} />
        {content}
      </div>
    </ScrollPage>
  );
  return (
    <div className="flex h-full flex-col">
      <PageHeader title={t('lending.title')} hint={t('lending.hint')}>
        <LendingSwitch />
      </PageHeader>
      <Tabs
        label={t('lending.title')}
        value={tab === 'borrow' ? 'borrow' : 'lend'}
        onChange={(id) => void navigate({ to: '/lending', search: id === 'borrow' ? { tab: id } : {}, replace: true })}
        tabs={[
          {
            id: 'lend',
            label: t('lending.lend'),
            content: () =>
              side(
                <>
                  <Engines />
                  <Requests />
                  <Given />
                  <CouldThey />
                </>,
              ),
          },
          { id: 'borrow', label: t('lending.borrow'), content: () => side(<Borrowing />) },
        ]}
      />
    </div>
  );
}

/** Pauses everything that is lent, at once. */
function LendingSwitch() {
  const t = useMessages();
  const client = useQueryClient();
  const mesh = useQuery(meshQuery);
  const flip = useMutation({
    mutationFn: pauseLending,
    onSettled: () => client.invalidateQueries({ queryKey: ['mesh'] }),
  });
  if (!mesh.data) return null;
  const isPaused = mesh.data.is_lending_paused;
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Problem error={flip.error} />
      <Switch
        isOn={!isPaused}
        label={t('lending.all')}
        title={t('lending.all.hint')}
        words={{ on: t('lending.all.on'), off: t('lending.all.off') }}
        needs="admin"
        isBusy={flip.isPending}
        onFlip={() => flip.mutate(!isPaused)}
        className="rounded-card! border border-control bg-surface px-3 font-semibold"
      />
    </div>
  );
}
