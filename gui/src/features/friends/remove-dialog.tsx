import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { partingQuery, removePeer } from '@/shared/api/requests/peers';
import type { Parting, Peer } from '@/shared/api/types';
import { useLanguage, useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Problem, Ready } from '@/shared/ui/states';

/** Says what ends with a friend before it does. */
export function RemoveDialog({ peer, onClose }: { readonly peer: Peer; readonly onClose: () => void }) {
  const t = useMessages();
  const client = useQueryClient();
  const parting = useQuery(partingQuery(peer.node));
  const remove = useMutation({
    mutationFn: () => removePeer(peer.node),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  return (
    <Dialog
      title={t('friends.remove.title', { name: peer.name })}
      hint={t('friends.remove.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            look="danger"
            disabled={parting.data === undefined || remove.isPending}
            onClick={() => remove.mutate()}
          >
            {t('friends.remove')}
          </Button>
        </>
      }
    >
      <Ready of={parting} lines={3}>
        {(said) => <Ends of={said} />}
      </Ready>
      <Problem error={remove.error} />
    </Dialog>
  );
}

function Ends({ of }: { readonly of: Parting }) {
  const t = useMessages();
  const isEnglish = useLanguage() === 'en';
  return (
    <>
      <List title={t('friends.remove.given')} none={t('friends.remove.given.none')} all={of.given} />
      <List title={t('friends.remove.held')} none={t('friends.remove.held.none')} all={of.held} />
      {(of.workflows ?? []).length > 0 && (
        <List title={t('friends.remove.workflows')} none="" all={of.workflows ?? []} />
      )}
      {of.running > 0 && <p className="text-wait">{t('friends.remove.running', { count: of.running })}</p>}
      <p className="text-muted">
        {t('friends.remove.keep', { what: isEnglish ? of.they_keep : t('friends.remove.keep.what') })}
      </p>
    </>
  );
}

function List({
  title,
  none,
  all,
}: {
  readonly title: string;
  readonly none: string;
  readonly all: readonly string[];
}) {
  if (all.length === 0) return <p className="text-muted">{none}</p>;
  return (
    <div>
      <h3>{title}</h3>
      <ul className="list-disc pl-5">
        {all.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </div>
  );
}
