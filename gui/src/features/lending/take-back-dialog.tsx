import { useMutation, useQueryClient } from '@tanstack/react-query';
import { takeGrantBack } from '@/shared/api/requests/grants';
import type { Grant } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { isPassedOn } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Problem } from '@/shared/ui/states';

type TakeBackProps = { readonly grant: Grant; readonly sentence: string; readonly onClose: () => void };

/** Takes a grant back that was given or passed on. */
export function TakeBackDialog({ grant, sentence, onClose }: TakeBackProps) {
  const t = useMessages();
  const client = useQueryClient();
  const back = useMutation({
    mutationFn: () => takeGrantBack(grant.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  return (
    <Dialog
      title={t('grant.take_back.title', { who: grant.to })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="danger" disabled={back.isPending} onClick={() => back.mutate()}>
            {t('grant.take_back')}
          </Button>
        </>
      }
    >
      <p className="break-words">{sentence}</p>
      <p className="text-muted">
        {isPassedOn(grant) ? t('grant.take_back.passed', { who: grant.owner_name ?? '' }) : t('grant.take_back.hint')}
      </p>
      {!isPassedOn(grant) && grant.depth > 0 && <p className="text-muted">{t('grant.take_back.deep')}</p>}
      {grant.used.running > 0 && (
        <p className="text-wait">{t('grant.take_back.running', { count: grant.used.running })}</p>
      )}
      <Problem error={back.error} />
    </Dialog>
  );
}
