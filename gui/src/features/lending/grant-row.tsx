import { useMutation, useQueryClient } from '@tanstack/react-query';
import { CircleCheck, CircleSlash, Hourglass } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { takeGrantBack } from '@/shared/api/requests/grants';
import type { Grant } from '@/shared/api/types';
import { fullTime, minute } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { type GrantState, grantSentence } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Facts } from '@/shared/ui/page';
import { Problem } from '@/shared/ui/states';
import { Meters } from './meters';

const LOOKS = {
  good: { tone: 'text-ok', icon: CircleCheck },
  ended: { tone: 'text-muted', icon: Hourglass },
  taken_back: { tone: 'text-muted', icon: CircleSlash },
} as const;

type GrantRowProps = { readonly grant: Grant; readonly state: GrantState; readonly children?: ReactNode };

/** One grant as a sentence, with what is used of it. `children` are what can be done with one that is held. */
export function GrantRow({ grant, state, children }: GrantRowProps) {
  const t = useMessages();
  const [isTaking, setTaking] = useState(false);
  const sentence = grantSentence(t, grant);
  const { tone, icon: Icon } = LOOKS[state];
  const word =
    state === 'taken_back'
      ? t('grant.state.taken_back', { time: minute(grant.revoked_at ?? 0) })
      : state === 'ended'
        ? t('grant.state.ended', { time: minute(grant.ends_at) })
        : t('grant.state.good');
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <div className="min-w-0 flex-1 basis-72">
        <p className={`break-words ${grant.is_given ? '' : 'first-letter:uppercase'}`}>{sentence}</p>
        <p className={`flex items-center gap-1.5 text-meta ${tone}`}>
          <Icon aria-hidden className="size-3.5 shrink-0" />
          {word}
        </p>
        {state === 'good' &&
          (grant.is_given ? (
            <Meters grant={grant} />
          ) : (
            <p className="text-meta text-muted">{t('borrow.counted', { who: grant.owner_name ?? '' })}</p>
          ))}
        <details className="pt-1">
          <summary className="text-meta text-muted">{t('mesh.details')}</summary>
          <div className="pt-1 text-meta">
            <Facts
              rows={[
                [t('grant.from'), fullTime(grant.begins_at)],
                [t('grant.to'), fullTime(grant.ends_at)],
                [
                  t('grant.id'),
                  <code key="id" className="font-mono break-all">
                    {grant.id}
                  </code>,
                ],
                [
                  t('grant.owner'),
                  <code key="owner" className="font-mono break-all">
                    {grant.owner}
                  </code>,
                ],
              ]}
            />
          </div>
        </details>
      </div>
      {children}
      {grant.is_given && state === 'good' && (
        <Button needs="admin" onClick={() => setTaking(true)} aria-label={t('grant.take_back_one', { sentence })}>
          {t('grant.take_back')}
        </Button>
      )}
      {isTaking && <TakeBackDialog grant={grant} sentence={sentence} onClose={() => setTaking(false)} />}
    </li>
  );
}

type TakeBackProps = { readonly grant: Grant; readonly sentence: string; readonly onClose: () => void };

function TakeBackDialog({ grant, sentence, onClose }: TakeBackProps) {
  const t = useMessages();
  const client = useQueryClient();
  const back = useMutation({
    mutationFn: () => takeGrantBack(grant.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  return (
    <Dialog
      title={t('grant.take_back.title', { who: grant.to })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="danger" disabled={back.isPending} onClick={() => back.mutate()}>
            {t('grant.take_back')}
          </Button>
        </>
      }
    >
      <p className="break-words">{sentence}</p>
      <p className="text-muted">{t('grant.take_back.hint')}</p>
      {grant.used.running > 0 && (
        <p className="text-wait">{t('grant.take_back.running', { count: grant.used.running })}</p>
      )}
      <Problem error={back.error} />
    </Dialog>
  );
}
