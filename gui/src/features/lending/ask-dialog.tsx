import { useMutation } from '@tanstack/react-query';
import { Check } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { askFriend } from '@/shared/api/requests/requests';
import type { NewRequest, Peer } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input, Select, TextArea } from '@/shared/ui/field';
import { Problem } from '@/shared/ui/states';
import { type Asking, NOTE_MAX, NOTHING_ASKED, requestOf, WISHES, type Wish } from './asking';
import { FriendField } from './friend-field';

type AskDialogProps = { readonly peers: readonly Peer[]; readonly onClose: () => void };

/** Asks a friend to let this node use something. */
export function AskDialog({ peers, onClose }: AskDialogProps) {
  const t = useMessages();
  const [chosen, setWho] = useState<string>();
  const [asking, setAsking] = useState(NOTHING_ASKED);
  const peer = peers.find((it) => it.node === chosen) ?? peers[0];
  const request = requestOf(asking);
  const ask = useMutation({
    mutationFn: ({ to, body }: { to: Peer; body: NewRequest }) => askFriend(to.node, body),
  });
  const change = (part: Partial<Asking>) => {
    setAsking({ ...asking, ...part });
    ask.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (peer && request) ask.mutate({ to: peer, body: request });
  };
  const isNamed = asking.wish === 'workflow' || asking.wish === 'component';
  if (ask.isSuccess) {
    return (
      <Dialog
        title={t('ask.title')}
        onClose={onClose}
        footer={
          <Button look="primary" onClick={onClose}>
            {t('common.close')}
          </Button>
        }
      >
        <p role="status" className="flex items-start gap-2">
          <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" />
          {t('ask.sent', { who: ask.variables.to.name })}
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={t('ask.title')}
      hint={t('ask.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="ask" look="primary" disabled={!peer || !request || ask.isPending}>
            {t('ask.send')}
          </Button>
        </>
      }
    >
      <form id="ask" onSubmit={submit} className="flex flex-col gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <FriendField
            label={t('ask.whom')}
            peers={peers}
            value={peer?.node ?? ''}
            onChange={(node) => {
              setWho(node);
              ask.reset();
            }}
          />
          <Field label={t('ask.what')}>
            {(ids) => (
              <Select {...ids} value={asking.wish} onChange={(event) => change({ wish: event.target.value as Wish })}>
                {WISHES.map((it) => (
                  <option key={it} value={it}>
                    {t(`ask.what.${it}`)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        {isNamed && (
          <Field label={t(`ask.name.${asking.wish}`)} hint={t('ask.name.hint')}>
            {(ids) => (
              <Input
                {...ids}
                autoComplete="off"
                spellCheck={false}
                maxLength={200}
                value={asking.name}
                onChange={(event) => change({ name: event.target.value })}
              />
            )}
          </Field>
        )}
        <Field label={t('ask.note')} hint={t(asking.wish === 'other' ? 'ask.note.other' : 'ask.note.hint')}>
          {(ids) => (
            <TextArea
              {...ids}
              rows={3}
              maxLength={NOTE_MAX}
              spellCheck
              className="font-sans!"
              value={asking.note}
              onChange={(event) => change({ note: event.target.value })}
            />
          )}
        </Field>
        <details>
          <summary className="text-muted">{t('ask.more')}</summary>
          <div className="pt-2">
            <Field label={t('lending.engine_name')} hint={t('ask.engine.hint')}>
              {(ids) => (
                <Input
                  {...ids}
                  autoComplete="off"
                  spellCheck={false}
                  maxLength={64}
                  value={asking.engine}
                  onChange={(event) => change({ engine: event.target.value })}
                />
              )}
            </Field>
          </div>
        </details>
      </form>
      <Problem error={ask.error} />
    </Dialog>
  );
}
