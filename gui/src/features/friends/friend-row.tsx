import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Ellipsis, Pencil, Trash2, UserX } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { peersQuery, renamePeer } from '@/shared/api/requests/peers';
import type { Peer } from '@/shared/api/types';
import { fullTime, moment } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input } from '@/shared/ui/field';
import { Menu } from '@/shared/ui/menu';
import { Facts } from '@/shared/ui/page';
import { Problem } from '@/shared/ui/states';
import { reachWords, relayWords } from './reach-words';
import { Reached } from './reached';
import { RemoveDialog } from './remove-dialog';

type FriendRowProps = {
  readonly peer: Peer;
  /** What stands here could not be looked at again. */
  readonly isOld: boolean;
  /** It has removed this node from its own friends. */
  readonly hasLeft: boolean;
};

/** One friend: how it is reached, and what can be done with it. */
export function FriendRow({ peer, isOld, hasLeft }: FriendRowProps) {
  const t = useMessages();
  const [open, setOpen] = useState<'rename' | 'remove'>();
  const { why } = reachWords(t, peer);
  const relays = relayWords(t, peer);
  const close = () => setOpen(undefined);
  const said = peer.reach.state === 'direct' ? undefined : peer.reach.why;
  return (
    <li className="flex items-start gap-3 border-b border-line px-4 py-2.5 last:border-b-0">
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <p className="min-w-0 font-semibold break-words">
            {peer.name}
            {peer.own_name !== peer.name && (
              <span className="font-normal text-muted"> · {t('friends.calls_itself', { name: peer.own_name })}</span>
            )}
            {peer.person_name != null && !peer.is_mine && !peer.name.includes(peer.person_name) && (
              <span className="font-normal text-muted"> · {t('friends.node_of', { name: peer.person_name })}</span>
            )}
          </p>
          {peer.is_mine && (
            <span className="rounded-full border border-accent px-2 text-meta text-accent">{t('friends.yours')}</span>
          )}
          {!hasLeft && !isOld && <Reached peer={peer} />}
        </div>
        {/* The two may still be connected: that one has forgotten the other shows only in what was said. */}
        {hasLeft ? (
          <p className="flex items-start gap-1.5 text-fail">
            <UserX aria-hidden className="mt-0.5 size-4 shrink-0" />
            {t('friends.removed_this', { name: peer.name })}
          </p>
        ) : isOld ? (
          <p className="text-wait">{t('friends.not_known_now')}</p>
        ) : (
          <>
            {why && <p className="break-words text-muted">{why}</p>}
            {relays && (
              <p className={`break-words ${peer.relay?.state === 'reserved' ? 'text-ok' : 'text-wait'}`}>{relays}</p>
            )}
          </>
        )}
        <details className="pt-1">
          <summary className="text-meta text-muted">{t('mesh.details')}</summary>
          <div className="pt-1 text-meta">
            <Facts
              rows={[
                [
                  t('friends.node'),
                  <code key="node" className="font-mono break-all">
                    {peer.node}
                  </code>,
                ],
                ...(peer.person == null
                  ? []
                  : [
                      [
                        t('you.person'),
                        <code key="person" className="font-mono break-all">
                          {peer.person}
                        </code>,
                      ] as const,
                    ]),
                [t('friends.paired'), fullTime(peer.paired_at)],
                ...(peer.seen_at == null ? [] : [[t('friends.seen'), fullTime(peer.seen_at)] as const]),
                ...(peer.reach.state === 'away'
                  ? []
                  : [
                      [
                        t('friends.address'),
                        <code key="at" className="font-mono break-all">
                          {peer.reach.address}
                        </code>,
                      ] as const,
                    ]),
                ...(said
                  ? [
                      [
                        t('friends.why'),
                        <code key="why" className="font-mono break-all">
                          {said}
                        </code>,
                      ] as const,
                    ]
                  : []),
              ]}
            />
          </div>
        </details>
      </div>
      <Menu
        label={t('friends.more', { name: peer.name })}
        trigger={
          <IconButton label={t('friends.more', { name: peer.name })}>
            <Ellipsis aria-hidden className="size-4" />
          </IconButton>
        }
        items={[
          { id: 'rename', label: t('friends.rename'), icon: Pencil, needs: 'admin', onSelect: () => setOpen('rename') },
          {
            id: 'remove',
            label: t('friends.remove'),
            icon: Trash2,
            isDanger: true,
            needs: 'admin',
            onSelect: () => setOpen('remove'),
          },
        ]}
      />
      {open === 'rename' && <RenameDialog peer={peer} onClose={close} />}
      {open === 'remove' && <RemoveDialog peer={peer} onClose={close} />}
    </li>
  );
}

function RenameDialog({ peer, onClose }: { readonly peer: Peer; readonly onClose: () => void }) {
  const t = useMessages();
  const client = useQueryClient();
  const [name, setName] = useState(peer.name);
  const rename = useMutation({
    mutationFn: () => renamePeer(peer.node, name.trim()),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: peersQuery.queryKey });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate();
  };
  return (
    <Dialog title={t('friends.rename_one', { name: peer.name })} hint={t('friends.rename.hint')} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
        <div className="min-w-48 flex-1">
          <Field label={t('friends.name')}>
            {(ids) => <Input {...ids} maxLength={64} value={name} onChange={(event) => setName(event.target.value)} />}
          </Field>
        </div>
        <Button type="submit" look="primary" disabled={name.trim() === '' || rename.isPending}>
          {t('friends.rename')}
        </Button>
      </form>
      <p className="text-muted">{t('friends.since', { time: moment(peer.paired_at) })}</p>
      <Problem error={rename.error} />
    </Dialog>
  );
}
