import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { invitationsQuery, invite } from '@/shared/api/requests/invitations';
import { peersQuery } from '@/shared/api/requests/peers';
import type { Invited } from '@/shared/api/types';
import { minute } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { isNear, reachableWords } from '@/shared/mesh/reach';
import { Button } from '@/shared/ui/button';
import { CopyLine } from '@/shared/ui/copy-line';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input, Select } from '@/shared/ui/field';
import { Prose } from '@/shared/ui/prose';
import { QrCode } from '@/shared/ui/qr-code';
import { Problem } from '@/shared/ui/states';
import { useNow } from '@/shared/ui/use-now';

/** How long an invitation may hold, in minutes. */
const HOLDS = [10, 60, 1_440, 10_080] as const;

/** Makes an invitation and shows its link, which is nowhere else. */
export function InviteDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useMessages();
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [minutes, setMinutes] = useState<number>(60);
  const make = useMutation({
    mutationFn: () => invite(name.trim() || undefined, minutes),
    onSuccess: () => client.invalidateQueries({ queryKey: invitationsQuery.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <Dialog
      title={t('friends.invite')}
      hint={t('friends.invite.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.close')}</Button>
          {make.data ? (
            <Button onClick={() => make.reset()}>{t('friends.invite.another')}</Button>
          ) : (
            <Button type="submit" form="invite" look="primary" disabled={make.isPending}>
              {t('friends.invite.make')}
            </Button>
          )}
        </>
      }
    >
      {make.data ? (
        <Made invited={make.data} />
      ) : (
        <form id="invite" onSubmit={submit} className="grid gap-4 sm:grid-cols-[1fr_12rem]">
          <Field label={t('friends.invite.name')} hint={t('friends.invite.name.hint')}>
            {(ids) => <Input {...ids} maxLength={64} value={name} onChange={(event) => setName(event.target.value)} />}
          </Field>
          <Field label={t('friends.invite.holds')}>
            {(ids) => (
              <Select {...ids} value={minutes} onChange={(event) => setMinutes(Number(event.target.value))}>
                {HOLDS.map((it) => (
                  <option key={it} value={it}>
                    {t(`friends.holds.${it}`)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </form>
      )}
      <Problem error={make.error} />
    </Dialog>
  );
}

function Made({ invited }: { readonly invited: Invited }) {
  const t = useMessages();
  const now = useNow(1_000);
  const peers = useQuery(peersQuery).data;
  // The link says in whole seconds when it ends; by that it is found again among those that were made.
  const made = useQuery(invitationsQuery).data?.find(
    (it) => Math.floor(it.ends_at / 1_000) * 1_000 === invited.ends_at,
  );
  const came = peers?.find((it) => it.node === made?.used_by);
  const where = (
    <p>
      <strong>{t('friends.invite.reach')}</strong> <Prose text={reachableWords(t, invited.reach)} />
    </p>
  );
  if (came) {
    return (
      <p role="status" className="text-ok">
        {t('friends.invite.came', { name: came.name })}
      </p>
    );
  }
  if (invited.ends_at <= now) {
    return (
      <p role="status" className="text-wait">
        {t('friends.invite.over')}
      </p>
    );
  }
  return (
    <>
      <div className="flex flex-wrap items-start gap-4">
        <QrCode text={invited.link} label={t('friends.invite.qr')} />
        <div className="flex min-w-0 flex-1 basis-60 flex-col gap-2">
          <p>{t('friends.invite.send')}</p>
          <CopyLine text={invited.link} label={t('friends.invite.copy')} isWrapped />
          <p className="text-muted">{t('friends.invite.until', { time: minute(invited.ends_at) })}</p>
        </div>
      </div>
      {where}
      {isNear(invited.reach) && <Farther />}
      <p className="text-muted">{t('friends.invite.waits')}</p>
      {invited.addresses.length > 0 && (
        <details>
          <summary className="text-muted">{t('mesh.details')}</summary>
          {invited.addresses.map((address) => (
            <code key={address} className="block font-mono text-meta break-all">
              {address}
            </code>
          ))}
        </details>
      )}
    </>
  );
}

/** What helps somebody who is elsewhere: three ways. */
function Farther() {
  const t = useMessages();
  return (
    <div>
      <p>{t('friends.farther')}</p>
      <ul className="list-disc pl-5 text-muted">
        {(['friends.farther.relay', 'friends.farther.upnp', 'friends.farther.other'] as const).map((way) => (
          <li key={way}>
            <Prose text={t(way)} />
          </li>
        ))}
      </ul>
    </div>
  );
}
