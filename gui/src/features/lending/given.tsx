import { useQuery } from '@tanstack/react-query';
import { UserCheck } from 'lucide-react';
import { useState } from 'react';
import { enginesQuery } from '@/shared/api/requests/engines';
import { grantsQuery } from '@/shared/api/requests/grants';
import { peersQuery } from '@/shared/api/requests/peers';
import { useMessages } from '@/shared/i18n/messages';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { Button } from '@/shared/ui/button';
import { Panel } from '@/shared/ui/page';
import { Empty } from '@/shared/ui/states';
import { GrantList } from './grant-list';
import { LetDialog } from './let-dialog';

/** Who may use what of this node. */
export function Given() {
  const t = useMessages();
  const grants = useQuery(grantsQuery);
  const engines = useQuery(enginesQuery);
  const peers = useQuery(peersQuery);
  const [isLetting, setLetting] = useState(false);
  const lacks =
    engines.data?.length === 0
      ? t('given.needs_engine')
      : peers.data?.length === 0
        ? t('given.needs_friend')
        : undefined;
  return (
    <Panel
      title={t('given.title')}
      action={
        <Button needs="admin" disabled={lacks !== undefined} title={lacks} onClick={() => setLetting(true)}>
          <UserCheck aria-hidden className="size-4" />
          {t('given.let')}
        </Button>
      }
    >
      <MeshReady of={grants}>
        {(all) => (
          <GrantList
            grants={all.filter((it) => it.is_given)}
            empty={
              <Empty icon={<UserCheck aria-hidden />} title={t('given.none')}>
                <p>{lacks ?? t('given.none.hint')}</p>
              </Empty>
            }
          />
        )}
      </MeshReady>
      {isLetting && (
        <LetDialog engines={engines.data ?? []} peers={peers.data ?? []} onClose={() => setLetting(false)} />
      )}
    </Panel>
  );
}
