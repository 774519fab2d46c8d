import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { startJob } from '@/shared/api/requests/start-job';
import { parseJson } from '@/shared/format/json';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, TextArea } from '@/shared/ui/field';
import { Problem } from '@/shared/ui/states';

type TestDialogProps = {
  readonly name: string;
  readonly version: string;
  readonly trigger: string;
  /** What stands in the field at first. */
  readonly sample: object;
  readonly onClose: () => void;
};

/** Fires a trigger by hand with an item as the world outside would send it. */
export function TestDialog({ name, version, trigger, sample, onClose }: TestDialogProps) {
  const t = useMessages();
  const navigate = useNavigate();
  const [text, setText] = useState(() => JSON.stringify(sample, null, 2));
  const read = parseJson(text);
  const test = useMutation({
    mutationFn: () => {
      const value = read.ok ? read.value : undefined;
      const input = (Array.isArray(value) ? value : [value]) as unknown[];
      return startJob({ version, trigger, input }, crypto.randomUUID());
    },
    onSuccess: (job) => {
      onClose();
      void navigate({ to: '/runs/$job', params: { job } });
    },
  });
  return (
    <Dialog
      title={t('triggers.test_one', { name })}
      hint={t('triggers.test.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" disabled={!read.ok || test.isPending} onClick={() => test.mutate()}>
            {t('triggers.test')}
          </Button>
        </>
      }
    >
      <Field label={t('triggers.test.item')} error={read.ok ? undefined : read.error}>
        {(ids) => <TextArea {...ids} rows={10} value={text} onChange={(event) => setText(event.target.value)} />}
      </Field>
      <Problem error={test.error} />
    </Dialog>
  );
}
