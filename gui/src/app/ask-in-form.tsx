import { useEffect, useState } from 'react';
import { browserName } from '@/shared/auth/browser-name';
import { type AskedIn, askedStanding, askIn, type LoginOutcome, signIn } from '@/shared/auth/login';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';

/** How often the node is asked whether somebody has answered. */
const LOOK_MS = 2_000;

/** For a browser without a link: asks to be let in, shows its code, and goes on when somebody who is signed in says yes. */
export function AskInForm({ onOutcome }: { readonly onOutcome: (outcome: LoginOutcome) => void }) {
  const t = useMessages();
  const [asked, setAsked] = useState<AskedIn>();
  const [end, setEnd] = useState<'refused' | 'over'>();
  const ask = async () => {
    setEnd(undefined);
    const came = await askIn(browserName(navigator.userAgent));
    if ('code' in came) setAsked(came);
    else onOutcome(came);
  };
  useEffect(() => {
    if (!asked) return;
    let timer: ReturnType<typeof setTimeout>;
    let isOver = false;
    const look = async () => {
      const standing = await askedStanding(asked.id);
      if (isOver) return;
      if (standing === 'let_in') return onOutcome(await signIn());
      if (standing === 'refused' || standing === 'over') {
        setAsked(undefined);
        return setEnd(standing);
      }
      timer = setTimeout(() => void look(), LOOK_MS);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [asked, onOutcome]);
  return (
    <div className="flex flex-col items-start gap-2 border-t border-line pt-4" role="status">
      {asked ? (
        <>
          <p>{t('login.ask.waits')}</p>
          <p className="font-mono text-page tracking-widest">{asked.code}</p>
          <p className="text-muted">{t('login.ask.where')}</p>
          <Button onClick={() => setAsked(undefined)}>{t('common.cancel')}</Button>
        </>
      ) : (
        <>
          {end && <p>{t(`login.ask.${end}`)}</p>}
          <Button className="max-w-full whitespace-normal!" onClick={() => void ask()}>
            {t('login.ask')}
          </Button>
        </>
      )}
    </div>
  );
}
