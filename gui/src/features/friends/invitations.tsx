import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { invitationsQuery, takeInvitationBack } from '@/shared/api/requests/invitations';
import type { Invitation } from '@/shared/api/types';
import { fullTime, minute } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { useFriendNames } from '@/shared/mesh/friend-names';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { Button } from '@/shared/ui/button';
import { Panel } from '@/shared/ui/page';
import { Problem } from '@/shared/ui/states';
import { useNow } from '@/shared/ui/use-now';

const isOpen = (it: Invitation, now: number): boolean => it.used_by == null && it.ends_at > now;

/** The invitations that somebody may still come in by, and what became of the others. */
export function Invitations() {
  const t = useMessages();
  const client = useQueryClient();
  const invitations = useQuery(invitationsQuery);
  const nameOf = useFriendNames();
  const now = useNow(10_000);
  const back = useMutation({
    mutationFn: takeInvitationBack,
    onSuccess: () => client.invalidateQueries({ queryKey: invitationsQuery.queryKey }),
  });
  return (
    <Panel title={t('friends.invitations')}>
      <MeshReady of={invitations}>
        {(list) => {
          const open = list.filter((it) => isOpen(it, now));
          const over = list.filter((it) => !isOpen(it, now));
          return (
            <>
              {open.length === 0 && <p className="px-4 py-3 text-muted">{t('friends.invitations.none')}</p>}
              <ul>
                {open.map((it) => (
                  <li
                    key={it.id}
                    className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2"
                  >
                    <div className="min-w-0 flex-1 basis-60">
                      <p>
                        {it.name ? t('friends.invitation.for', { name: it.name }) : t('friends.invitation.anybody')}
                      </p>
                      <p className="text-meta text-muted" title={fullTime(it.made_at)}>
                        {t('friends.invitation.open', { made: minute(it.made_at), ends: minute(it.ends_at) })}
                      </p>
                    </div>
                    <Button
                      disabled={back.isPending}
                      onClick={() => back.mutate(it.id)}
                      aria-label={t('friends.invitation.back_one', {
                        name: it.name ?? t('friends.invitation.anybody'),
                        time: minute(it.made_at),
                      })}
                    >
                      {t('friends.invitation.back')}
                    </Button>
                  </li>
                ))}
              </ul>
              {over.length > 0 && (
                <details className="px-4 py-2">
                  <summary className="text-muted">{t('friends.invitations.over', { count: over.length })}</summary>
                  <ul className="pt-1">
                    {over.map((it) => (
                      <li key={it.id} className="text-muted">
                        {it.used_by
                          ? t('friends.invitation.used', { name: nameOf(it.used_by), time: minute(it.made_at) })
                          : t('friends.invitation.late', { time: minute(it.ends_at) })}
                      </li>
                    ))}
                  </ul>
                </details>
              )}
            </>
          );
        }}
      </MeshReady>
      <div className="px-4 empty:hidden">
        <Problem error={back.error} />
      </div>
    </Panel>
  );
}
