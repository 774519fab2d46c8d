import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { renewGrant } from '@/shared/api/requests/grants';
import type { Grant } from '@/shared/api/types';
import { minute } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Problem } from '@/shared/ui/states';
import { endOf, type Span } from './limits';
import { UntilFields } from './terms-fields';

type RenewDialogProps = { readonly grant: Grant; readonly sentence: string; readonly onClose: () => void };

/** Lets a grant hold for longer, with everything else as it is. */
export function RenewDialog({ grant, sentence, onClose }: RenewDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const [span, setSpan] = useState<Span | 'again'>('again');
  const [date, setDate] = useState('');
  const now = Date.now();
  const until = span === 'again' ? now + grant.ends_at - grant.begins_at : endOf(span, date, now);
  const renew = useMutation({
    mutationFn: () => renewGrant(grant.id, span === 'again' ? undefined : until),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (until !== undefined) renew.mutate();
  };
  return (
    <Dialog
      title={t('renew.title', { who: grant.to })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="renew" look="primary" disabled={until === undefined || renew.isPending}>
            {t('renew.do')}
          </Button>
        </>
      }
    >
      <p className="break-words">{sentence}</p>
      <form id="renew" onSubmit={submit} className="flex flex-col gap-4">
        <UntilFields
          span={span}
          date={date}
          also={[{ id: 'again', label: t('renew.again') }]}
          onSpan={setSpan}
          onDate={setDate}
        />
      </form>
      {until !== undefined && <p className="text-muted">{t('renew.hint', { time: minute(until) })}</p>}
      <Problem error={renew.error} />
    </Dialog>
  );
}
