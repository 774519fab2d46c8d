import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { join, readInvitation } from '@/shared/api/requests/join';
import type { InvitationPreview } from '@/shared/api/types';
import { minute } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input, TextArea } from '@/shared/ui/field';
import { Facts } from '@/shared/ui/page';
import { JoinFailed } from './join-failed';
import { linkIn } from './link';
import { Reached } from './reached';

/** Joins with a link: first what it says, before anything is sent to anybody. */
export function JoinDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useMessages();
  const client = useQueryClient();
  const [text, setText] = useState('');
  const [name, setName] = useState<string>();
  const read = useMutation({ mutationFn: () => readInvitation(linkIn(text)) });
  const pair = useMutation({
    mutationFn: () => join(linkIn(text), name?.trim() || undefined),
    onSuccess: () => client.invalidateQueries({ queryKey: ['mesh'] }),
  });
  const said = read.data;
  const change = (next: string) => {
    setText(next);
    setName(undefined);
    read.reset();
    pair.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (said) pair.mutate();
    else read.mutate();
  };
  if (pair.data) {
    return (
      <Dialog
        title={t('friends.join')}
        onClose={onClose}
        footer={<Button onClick={onClose}>{t('common.close')}</Button>}
      >
        <p role="status" className="text-ok">
          {t('friends.join.done', { name: pair.data.name })}
        </p>
        <Reached peer={pair.data} />
        <p className="text-muted">{t('friends.join.next')}</p>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={t('friends.join')}
      hint={t('friends.join.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          {said && <Button onClick={() => change('')}>{t('friends.join.other_link')}</Button>}
          <Button
            type="submit"
            form="join"
            look="primary"
            disabled={text.trim() === '' || read.isPending || pair.isPending}
          >
            {pair.isPending ? t('friends.join.joining') : said ? t('friends.join.join') : t('friends.join.read')}
          </Button>
        </>
      }
    >
      <form id="join" onSubmit={submit} className="flex flex-col gap-4">
        {said ? (
          <Preview said={said} name={name ?? said.known_as ?? said.name} onName={setName} />
        ) : (
          <Field label={t('friends.join.link')}>
            {(ids) => (
              <TextArea
                {...ids}
                rows={4}
                autoFocus
                placeholder="flowork://join/…"
                className="break-all"
                value={text}
                onChange={(event) => change(event.target.value)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter' || event.shiftKey) return;
                  event.preventDefault();
                  event.currentTarget.form?.requestSubmit();
                }}
              />
            )}
          </Field>
        )}
      </form>
      <JoinFailed error={read.error ?? pair.error} />
    </Dialog>
  );
}

type PreviewProps = {
  readonly said: InvitationPreview;
  readonly name: string;
  readonly onName: (name: string) => void;
};

function Preview({ said, name, onName }: PreviewProps) {
  const t = useMessages();
  return (
    <>
      <p role="status">{t('friends.join.who', { name: said.name })}</p>
      <Facts
        rows={[
          [t('friends.join.says'), said.name],
          [t('friends.join.machine'), t('friends.nearby.one', { id: said.node.slice(-6) })],
          [t('friends.join.until'), minute(said.ends_at)],
        ]}
      />
      {said.known_as != null && <p className="text-wait">{t('friends.join.known', { name: said.known_as })}</p>}
      <Field label={t('friends.join.name')} hint={t('friends.join.name.hint')}>
        {(ids) => <Input {...ids} maxLength={64} value={name} onChange={(event) => onName(event.target.value)} />}
      </Field>
      <p className="text-muted">{t('friends.join.sends')}</p>
      <details>
        <summary className="text-muted">{t('mesh.details')}</summary>
        <code className="block font-mono text-meta break-all">{said.node}</code>
        {said.addresses.map((address) => (
          <code key={address} className="block font-mono text-meta break-all">
            {address}
          </code>
        ))}
      </details>
    </>
  );
}
