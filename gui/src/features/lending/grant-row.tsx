import { CircleCheck, CircleSlash, Hourglass, RefreshCw } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import type { Grant } from '@/shared/api/types';
import { fullTime, minute } from '@/shared/format/format';
import { type Translate, useMessages } from '@/shared/i18n/messages';
import { type GrantState, grantSentence, isPassedOn } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Facts } from '@/shared/ui/page';
import { Chain } from './chain';
import { Meters } from './meters';
import { RenewDialog } from './renew-dialog';
import { TakeBackDialog } from './take-back-dialog';

const LOOKS = {
  good: { tone: 'text-ok', icon: CircleCheck },
  ended: { tone: 'text-muted', icon: Hourglass },
  renewed: { tone: 'text-muted', icon: RefreshCw },
  taken_back: { tone: 'text-muted', icon: CircleSlash },
} as const;

/** The state in a word, with its time. */
function stateWord(t: Translate, grant: Grant, state: GrantState): string {
  switch (state) {
    case 'taken_back':
      return t('grant.state.taken_back', { time: minute(grant.revoked_at ?? 0) });
    case 'ended':
      return t('grant.state.ended', { time: minute(grant.ends_at) });
    case 'renewed':
      return t('grant.state.renewed');
    case 'good':
      return t('grant.state.good');
  }
}

type GrantRowProps = { readonly grant: Grant; readonly state: GrantState; readonly children?: ReactNode };

/** One grant as a sentence, with what is used of it. `children` are what can be done with one that is held. */
export function GrantRow({ grant, state, children }: GrantRowProps) {
  const t = useMessages();
  const [open, setOpen] = useState<'back' | 'renew'>();
  const close = () => setOpen(undefined);
  const sentence = grantSentence(t, grant);
  const { tone, icon: Icon } = LOOKS[state];
  const isOwn = grant.is_given && !isPassedOn(grant);
  const code = (text: string) => (
    <code key={text} className="font-mono break-all">
      {text}
    </code>
  );
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <div className="min-w-0 flex-1 basis-72">
        <p className={`break-words ${grant.is_given ? '' : 'first-letter:uppercase'}`}>{sentence}</p>
        <p className={`flex items-center gap-1.5 text-meta ${tone}`}>
          <Icon aria-hidden className="size-3.5 shrink-0" />
          {stateWord(t, grant, state)}
          {state === 'good' && grant.renews && <span className="text-muted"> · {t('grant.renews')}</span>}
        </p>
        {isPassedOn(grant) && (
          <p className="text-meta text-muted">{t('grant.passed_on', { who: grant.owner_name ?? '' })}</p>
        )}
        {state === 'good' &&
          (isOwn ? (
            <Meters grant={grant} />
          ) : (
            <p className="text-meta text-muted">{t('borrow.counted', { who: grant.owner_name ?? '' })}</p>
          ))}
        <details className="pt-1">
          <summary className="text-meta text-muted">{t('mesh.details')}</summary>
          <div className="flex flex-col gap-2 pt-1 text-meta">
            {grant.links.length > 1 && <Chain links={grant.links} />}
            <Facts
              rows={[
                [t('grant.from'), fullTime(grant.begins_at)],
                [t('grant.to'), fullTime(grant.ends_at)],
                [t('grant.id'), code(grant.id)],
                ...(grant.renewed_as == null ? [] : [[t('grant.renewed_as'), code(grant.renewed_as)] as const]),
                [t('grant.owner'), code(grant.owner)],
              ]}
            />
          </div>
        </details>
      </div>
      {children}
      {grant.is_given && state === 'good' && (
        <div className="flex flex-wrap gap-2">
          {isOwn && (
            <Button needs="admin" onClick={() => setOpen('renew')} aria-label={t('renew.open_one', { sentence })}>
              {t('renew.open')}
            </Button>
          )}
          <Button needs="admin" onClick={() => setOpen('back')} aria-label={t('grant.take_back_one', { sentence })}>
            {t('grant.take_back')}
          </Button>
        </div>
      )}
      {open === 'back' && <TakeBackDialog grant={grant} sentence={sentence} onClose={close} />}
      {open === 'renew' && <RenewDialog grant={grant} sentence={sentence} onClose={close} />}
    </li>
  );
}
