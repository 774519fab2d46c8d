import { KeyRound } from 'lucide-react';
import { type FormEvent, useEffect, useState } from 'react';
import { browserName } from '@/shared/auth/browser-name';
import { canHoldKeys } from '@/shared/auth/keys';
import { enrol, type LoginOutcome, signIn, takeLoginToken } from '@/shared/auth/login';
import { nodeAddress } from '@/shared/auth/node-address';
import { type SignedOutReason, setSession } from '@/shared/auth/session';
import { browserUnsent } from '@/shared/document/unsent';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { CopyLine } from '@/shared/ui/copy-line';
import { Field, Input } from '@/shared/ui/field';
import { Prose } from '@/shared/ui/prose';
import { AskInForm } from './ask-in-form';
import { InsecureNotice } from './insecure-notice';
import { PrivateKeyForm } from './private-key-form';

/** A bearer token may be pasted only where people build this page itself. */
const CAN_PASTE_TOKEN = import.meta.env.DEV || import.meta.env.VITE_TOKEN_LOGIN === '1';

let linkToken = typeof location === 'undefined' ? undefined : takeLoginToken();

let running: Promise<LoginOutcome> | undefined;

/** Logs in, by the link that this page was opened with or by the browser's key; one attempt at a time. */
function begin(): Promise<LoginOutcome> {
  if (running) return running;
  const token = linkToken;
  linkToken = undefined;
  running = (token === undefined ? signIn() : enrol(token, browserName(navigator.userAgent))).finally(() => {
    running = undefined;
  });
  return running;
}

type LoginScreenProps = {
  readonly why: SignedOutReason;
  /** Whether it lies over a page, which has its own main part. */
  readonly isOver?: boolean;
};

/** How somebody gets in: by the link that the node prints, then by the key of this browser. No passwords. */
export default function LoginScreen({ why, isOver = false }: LoginScreenProps) {
  const t = useMessages();
  const Box = isOver ? 'div' : 'main';
  // Who has left on purpose, or was put out, is not let in again by the browser's key alone.
  const isOut = (why === 'left' || why === 'refused') && linkToken === undefined;
  const [outcome, setOutcome] = useState<Shown>(isOut ? 'out' : 'working');
  const [isInsecure] = useState(() => !canHoldKeys());
  const [unsent] = useState(() => browserUnsent().all().length);
  const attempt = () => {
    setOutcome('working');
    void begin().then(setOutcome, (error: unknown) => setOutcome({ kind: 'refused', detail: String(error) }));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once when the screen comes up; afterwards by the button.
  useEffect(() => {
    if (!isInsecure && outcome !== 'out') attempt();
  }, []);
  // A link that is pasted into the address of this very page changes only what stands behind the #.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it needs nothing that changes.
  useEffect(() => {
    const onHash = () => {
      linkToken = takeLoginToken() ?? linkToken;
      if (linkToken !== undefined && !isInsecure) attempt();
    };
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);
  return (
    <Box className="flex min-h-dvh items-center justify-center p-4">
      <div className="flex w-full max-w-110 flex-col gap-4 rounded-card border border-line bg-surface p-6">
        <div className="flex items-center gap-3">
          <img src="/icon.svg" alt="" className="size-9" />
          <div>
            <h1 className="text-page">Flowork</h1>
            <p className="text-meta text-muted">{nodeAddress()}</p>
          </div>
        </div>
        {why !== 'first' && <p role="status">{t(`login.${why}`)}</p>}
        {unsent > 0 && <p className="text-muted">{t('login.unsent', { count: unsent })}</p>}
        {isInsecure ? (
          <InsecureNotice />
        ) : (
          <>
            <Outcome outcome={outcome} retry={attempt} />
            {outcome !== 'working' && outcome !== 'out' && outcome.kind === 'no-key' && (
              <AskInForm onOutcome={setOutcome} />
            )}
            {outcome !== 'working' && <PrivateKeyForm onOutcome={setOutcome} />}
          </>
        )}
        {CAN_PASTE_TOKEN && <TokenForm />}
      </div>
    </Box>
  );
}

type Shown = LoginOutcome | 'working' | 'out';

function Outcome({ outcome, retry }: { readonly outcome: Shown; readonly retry: () => void }) {
  const t = useMessages();
  if (outcome === 'out')
    return (
      <Button look="primary" className="self-start" onClick={retry}>
        {t('login.again')}
      </Button>
    );
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
      <div className="flex min-w-0 flex-1 flex-col items-start gap-2">
        <p className="font-semibold">{title}</p>
        <p className="text-muted">
          <Prose text={hint} />
        </p>
        {outcome.kind === 'unreachable' ? (
          nodeAddress() !== location.origin && (
            <p className="text-muted">{t('login.elsewhere', { node: nodeAddress(), origin: location.origin })}</p>
          )
        ) : (
          <CopyLine text="flowork login-link" label={t('login.link.copy')} />
        )}
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
