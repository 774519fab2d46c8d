import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { deactivate } from '@/shared/api/requests/activations';
import { removeDraft } from '@/shared/api/requests/draft';
import { presetsQuery } from '@/shared/api/requests/presets';
import { fetchVersions } from '@/shared/api/requests/versions';
import type { DraftSummary } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Problem } from '@/shared/ui/states';
import { titleOf } from './arrange';

type DeleteDialogProps = {
  readonly draft: DraftSummary;
  readonly isOn: boolean;
  readonly onExport: () => void;
  readonly onDone: () => void;
  readonly onClose: () => void;
};

/** Says what goes and what stays before a draft is deleted. Its triggers are turned off first: nobody could do it afterwards. */
export function DeleteDialog({ draft, isOn, onExport, onDone, onClose }: DeleteDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const versions = useQuery({
    queryKey: ['versions', draft.id],
    queryFn: ({ signal }) => fetchVersions(draft.id, signal),
  });
  const remove = useMutation({
    mutationFn: async () => {
      if (isOn) await deactivate(draft.id);
      await removeDraft(draft.id);
      // What this browser kept of it goes too; when that fails it is forgotten once somebody opens it.
      void import('@/shared/document/forget').then(({ forgetDraft }) => forgetDraft(draft.id)).catch(() => {});
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: presetsQuery.queryKey });
      void client.invalidateQueries({ queryKey: ['activations'] });
      onDone();
    },
  });
  return (
    <Dialog
      title={t('workflows.delete.title', { name: titleOf(draft) })}
      onClose={onClose}
      footer={
        <>
          <Button className="mr-auto" onClick={onExport}>
            {t('workflows.delete.export')}
          </Button>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="danger" disabled={remove.isPending} onClick={() => remove.mutate()}>
            {t('workflows.delete')}
          </Button>
        </>
      }
    >
      <p>{t('workflows.delete.goes', { count: draft.steps })}</p>
      {isOn && <p className="text-wait">{t('workflows.delete.on')}</p>}
      <p className="text-muted">
        {versions.data === undefined
          ? t('workflows.delete.stays')
          : versions.data.length === 0
            ? t('workflows.delete.stays_runs')
            : t('workflows.delete.stays_versions', { count: versions.data.length })}
      </p>
      <Problem error={remove.error} />
    </Dialog>
  );
}
