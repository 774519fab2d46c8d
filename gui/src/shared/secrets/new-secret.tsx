//! A new secret: the same two fields wherever one is made.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { secretsQuery, setSecret } from '../api/requests/secrets';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Field, Input } from '../ui/field';
import { Problem } from '../ui/states';

/** What names of secrets are made of. */
const NAME = '[A-Za-z0-9_.\\-]{1,64}';

/** What is typed of a new secret, and keeping it on the node. */
export function useNewSecret(onKept: (name: string) => void) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const keep = useMutation({
    mutationFn: async () => {
      const kept = name.trim();
      await setSecret(kept, value);
      return kept;
    },
    onSuccess: async (kept) => {
      setName('');
      setValue('');
      await client.invalidateQueries({ queryKey: secretsQuery.queryKey });
      onKept(kept);
    },
  });
  return {
    name,
    setName,
    value,
    setValue,
    canKeep: name.trim() !== '' && value !== '' && !keep.isPending,
    error: keep.error,
    submit: (event: FormEvent) => {
      event.preventDefault();
      keep.mutate();
    },
  };
}

export type NewSecretState = ReturnType<typeof useNewSecret>;

/** Name and value. The value is never shown. */
export function SecretFields({ of }: { readonly of: NewSecretState }) {
  const t = useMessages();
  return (
    <>
      <Field label={t('secrets.name')}>
        {(ids) => (
          <Input
            {...ids}
            autoComplete="off"
            spellCheck={false}
            pattern={NAME}
            value={of.name}
            onChange={(event) => of.setName(event.target.value)}
          />
        )}
      </Field>
      <Field label={t('secrets.value')}>
        {(ids) => (
          <Input
            {...ids}
            type="password"
            autoComplete="new-password"
            value={of.value}
            onChange={(event) => of.setValue(event.target.value)}
          />
        )}
      </Field>
    </>
  );
}

type NewSecretProps = { readonly onClose: () => void; readonly onKept: (name: string) => void };

/** Asks for a new secret beside whatever needs one. */
export function NewSecret({ onClose, onKept }: NewSecretProps) {
  const t = useMessages();
  const secret = useNewSecret(onKept);
  const form = useId();
  return (
    <Dialog
      title={t('form.secret.new.title')}
      hint={t('form.secret.new.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form={form} look="primary" needs="editor" disabled={!secret.canKeep}>
            {t('secrets.keep')}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={secret.submit} className="flex flex-col gap-4">
        <SecretFields of={secret} />
      </form>
      <Problem error={secret.error} />
    </Dialog>
  );
}
