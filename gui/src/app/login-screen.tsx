import { KeyRound, ShieldAlert } from 'lucide-react';
import { type FormEvent, useEffect, useState } from 'react';
import { canHoldKeys } from '@/shared/auth/keys';
import { enrol, type LoginOutcome, signIn, takeLoginToken } from '@/shared/auth/login';
import { nodeAddress } from '@/shared/auth/node-address';
import { type SignedOutReason, setSession } from '@/shared/auth/session';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Field, Input } from '@/shared/ui/field';

/** A bearer token may be pasted only where people build this page itself. */
const CAN_PASTE_TOKEN = import.meta.env.DEV || import.meta.env.VITE_TOKEN_LOGIN === '1';

const label = (): string => `${navigator.platform || 'browser'} ${new Date().toISOString().slice(0, 10)}`;

let linkToken = typeof location === 'undefined' ? undefined : takeLoginToken();

async function begin(): Promise<LoginOutcome> {
  const token = linkToken;
  linkToken = undefined;
  return token === undefined ? signIn() : enrol(token, label());
}

/** How somebody gets in: by the link that the node prints, then by the key of this browser. No passwords. */
export default function LoginScreen({ why }: { readonly why: SignedOutReason }) {
  const t = useMessages();
  const [outcome, setOutcome] = useState<LoginOutcome | 'working'>('working');
  const [isInsecure] = useState(() => !canHoldKeys());
  const attempt = () => {
    setOutcome('working');
    void begin().then(setOutcome, (error: unknown) => setOutcome({ kind: 'refused', detail: String(error) }));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once when the screen comes up; afterwards by the button.
  useEffect(() => {
    if (!isInsecure) attempt();
  }, []);
  return (
    <main className="flex min-h-dvh items-center justify-center p-4">
      <div className="flex w-full max-w-110 flex-col gap-4 rounded-card border border-line bg-surface p-6">
        <div className="flex items-center gap-3">
          <img src="/icon.svg" alt="" className="size-9" />
          <div>
            <h1 className="text-page">Flowork</h1>
            <p className="text-meta text-muted">{nodeAddress()}</p>
          </div>
        </div>
        {why === 'refused' && <p role="status">{t('login.refused')}</p>}
        {isInsecure ? <Insecure /> : <Outcome outcome={outcome} retry={attempt} />}
        {CAN_PASTE_TOKEN && <TokenForm />}
      </div>
    </main>
  );
}

function Insecure() {
  const t = useMessages();
  return (
    <div role="alert" className="flex gap-3">
      <ShieldAlert aria-hidden className="size-5 shrink-0 text-wait" />
      <div>
        <p className="font-semibold">{t('login.insecure.title')}</p>
        <p className="text-muted">{t('login.insecure.hint')}</p>
      </div>
    </div>
  );
}

function Outcome({ outcome, retry }: { readonly outcome: LoginOutcome | 'working'; readonly retry: () => void }) {
  const t = useMessages();
  if (outcome === 'working' || outcome.kind === 'signed-in') return <p role="status">{t('login.working')}</p>;
  const { title, hint } = {
    'no-key': { title: t('login.no_key.title'), hint: t('login.no_key.hint') },
    unsupported: { title: t('login.unsupported.title'), hint: t('login.unsupported.hint') },
    unreachable: { title: t('offline.title'), hint: t('offline.hint') },
    refused: {
      title: outcome.kind === 'refused' ? outcome.detail : '',
      hint: (outcome.kind === 'refused' && outcome.hint) || t('login.no_key.hint'),
    },
  }[outcome.kind];
  return (
    <div className="flex gap-3" role={outcome.kind === 'no-key' ? 'status' : 'alert'}>
      <KeyRound aria-hidden className="size-5 shrink-0 text-muted" />
      <div className="flex flex-col items-start gap-2">
        <p className="font-semibold">{title}</p>
        <p className="text-muted">{hint}</p>
        <code className="rounded-control bg-raised px-2 py-1 font-mono">flowork login-link</code>
        {outcome.kind !== 'no-key' && <Button onClick={retry}>{t('common.retry')}</Button>}
      </div>
    </div>
  );
}

function TokenForm() {
  const t = useMessages();
  const [token, setToken] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim()) setSession({ kind: 'bearer', secret: token.trim(), source: 'token' });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3 border-t border-line pt-4">
      <Field label={t('login.token')} hint={t('login.token.hint')}>
        {(ids) => (
          <Input
            {...ids}
            type="password"
            autoComplete="off"
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" look="primary" disabled={!token.trim()}>
        {t('login.connect')}
      </Button>
    </form>
  );
}
