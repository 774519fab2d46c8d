import { useQuery } from '@tanstack/react-query';
import { Link2, UserPlus, Users } from 'lucide-react';
import { useContext, useMemo, useState } from 'react';
import { peersQuery } from '@/shared/api/requests/peers';
import { RoleContext, useRefused } from '@/shared/auth/may';
import { useMessages } from '@/shared/i18n/messages';
import { MeshNotice, useIsOld } from '@/shared/mesh/mesh-notice';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { Button } from '@/shared/ui/button';
import { type Command, useCommands } from '@/shared/ui/commands';
import { PageHeader, Panel, ScrollPage } from '@/shared/ui/page';
import { Empty } from '@/shared/ui/states';
import { FriendRow } from './friend-row';
import { useHasLeft } from './has-left';
import { Invitations } from './invitations';
import { InviteDialog } from './invite-dialog';
import { JoinDialog } from './join-dialog';
import { Nearby } from './nearby';
import { ReachPanel } from './reach-panel';
import { You } from './you';

/** The nodes that this one is paired with, and how others come to be. */
export default function FriendsPage() {
  const t = useMessages();
  const peers = useQuery(peersQuery);
  const isOld = useIsOld(peers);
  const hasLeft = useHasLeft();
  const [open, setOpen] = useState<'invite' | 'join'>();
  const role = useContext(RoleContext);
  const refused = useRefused('admin');
  useCommands(
    useMemo((): Command[] => {
      const group = t('nav.friends');
      const isDisabled = refused !== undefined;
      return [
        {
          id: 'friends.invite',
          title: t('friends.invite'),
          group,
          icon: UserPlus,
          isDisabled,
          run: () => setOpen('invite'),
        },
        { id: 'friends.join', title: t('friends.join'), group, icon: Link2, isDisabled, run: () => setOpen('join') },
      ];
    }, [t, refused]),
  );
  return (
    <ScrollPage>
      <PageHeader title={t('friends.title')} hint={t('friends.hint')}>
        <Button needs="admin" onClick={() => setOpen('join')}>
          <Link2 aria-hidden className="size-4" />
          {t('friends.join')}
        </Button>
        <Button needs="admin" look="primary" onClick={() => setOpen('invite')}>
          <UserPlus aria-hidden className="size-4" />
          {t('friends.invite')}
        </Button>
      </PageHeader>
      <div className="flex max-w-240 flex-col gap-4 px-4 md:px-6">
        {/* First, so that it stays where it is while the notice comes and goes after a change. */}
        <ReachPanel />
        <MeshNotice of={peers} />
        <Panel title={t('friends.list')}>
          <MeshReady of={peers}>
            {(list) =>
              list.length === 0 ? (
                <Empty icon={<Users aria-hidden />} title={t('friends.none')}>
                  <p>{t('friends.none.hint')}</p>
                </Empty>
              ) : (
                <ul>
                  {list.map((peer) => (
                    <FriendRow key={peer.node} peer={peer} isOld={isOld} hasLeft={hasLeft(peer)} />
                  ))}
                </ul>
              )
            }
          </MeshReady>
        </Panel>
        <You />
        {role !== undefined && refused === undefined && <Invitations />}
        <Nearby onJoin={() => setOpen('join')} />
      </div>
      {open === 'invite' && <InviteDialog onClose={() => setOpen(undefined)} />}
      {open === 'join' && <JoinDialog onClose={() => setOpen(undefined)} />}
    </ScrollPage>
  );
}
