import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Check, X } from 'lucide-react';
import { useState } from 'react';
import { decide } from '../api/requests/decide';
import { useRefused } from '../auth/may';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { Input } from '../ui/field';
import { Problem } from '../ui/states';

type DecisionFormProps = { readonly job: string; readonly run: string; readonly title: string };

/** Yes or no, with a remark. What was decided counts when the run says so; until then the buttons rest. */
export function DecisionForm({ job, run, title }: DecisionFormProps) {
  const t = useMessages();
  const client = useQueryClient();
  const [note, setNote] = useState('');
  const answer = useMutation({
    mutationFn: (approved: boolean) => decide({ job, run, approved, note }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['approvals'] }),
  });
  const refused = useRefused('runner');
  const isBusy = answer.isPending || answer.isSuccess;
  return (
    <div className="mt-2 flex flex-wrap items-center gap-2">
      <Input
        aria-label={t('approve.note', { title })}
        placeholder={t('approve.note.hint')}
        className="w-full! sm:w-72!"
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
      <Button
        className="max-sm:flex-1"
        needs="runner"
        look="primary"
        disabled={isBusy}
        onClick={() => answer.mutate(true)}
      >
        <Check aria-hidden className="size-4" />
        {t('approve.yes')}
      </Button>
      <Button
        className="max-sm:flex-1"
        needs="runner"
        look="danger"
        disabled={isBusy}
        onClick={() => answer.mutate(false)}
      >
        <X aria-hidden className="size-4" />
        {t('approve.no')}
      </Button>
      {refused !== undefined && <p className="basis-full text-meta text-muted">{refused}</p>}
      {answer.isSuccess && <span role="status">{t('approve.sent')}</span>}
      <Problem error={answer.error} />
    </div>
  );
}
