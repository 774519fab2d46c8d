import { type FormEvent, useState } from 'react';
import { type LoginOutcome, signInWith } from '@/shared/auth/login';
import { seedOf } from '@/shared/auth/private-key';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Field, TextArea } from '@/shared/ui/field';

type PrivateKeyFormProps = { readonly onOutcome: (outcome: LoginOutcome) => void };

/** Logs in with a private key that somebody keeps elsewhere. It leaves this page only when it is told to stay in the browser. */
export function PrivateKeyForm({ onOutcome }: PrivateKeyFormProps) {
  const t = useMessages();
  const [text, setText] = useState('');
  const [keep, setKeep] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const seed = seedOf(text);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!seed) return;
    setBusy(true);
    setText('');
    void signInWith(seed, keep)
      .then(onOutcome, (error: unknown) => onOutcome({ kind: 'refused', detail: String(error) }))
      .finally(() => setBusy(false));
  };
  return (
    <details className="border-t border-line pt-3">
      <summary className="text-muted">{t('login.key.open')}</summary>
      <form onSubmit={submit} className="flex flex-col gap-3 pt-3">
        <Field
          label={t('login.key')}
          hint={t('login.key.hint')}
          error={text.trim() !== '' && !seed ? t('login.key.bad') : undefined}
        >
          {(ids) => (
            <TextArea
              {...ids}
              rows={3}
              autoComplete="off"
              autoCapitalize="off"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <label className="flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-0.5 size-4 accent-accent"
            checked={keep}
            onChange={(event) => setKeep(event.target.checked)}
          />
          <span>
            {t('login.key.keep')}
            <span className="block text-muted">{t('login.key.keep.hint')}</span>
          </span>
        </label>
        <Button type="submit" disabled={!seed || isBusy} className="self-start">
          {t('login.key.use')}
        </Button>
      </form>
    </details>
  );
}
