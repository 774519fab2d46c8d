import { useMutation } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { exportedLines } from '@/shared/api/requests/receipts';
import { saveLines } from '@/shared/format/download';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Prose } from '@/shared/ui/prose';
import { Problem } from '@/shared/ui/states';

/** Gives all receipts as a file that can be shown to others, who check it without a node. */
export function Export() {
  const t = useMessages();
  const make = useMutation({
    mutationFn: () => exportedLines(),
    onSuccess: (lines) => saveLines(`receipts-${new Date().toISOString().slice(0, 10)}.jsonl`, lines),
  });
  return (
    <div className="flex flex-col gap-2 border-b border-line px-4 py-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <p className="min-w-0 flex-1 basis-60 text-muted">
          <Prose text={t('receipts.export.hint')} />
        </p>
        <Button disabled={make.isPending} onClick={() => make.mutate()}>
          <Download aria-hidden className="size-4" />
          {t('receipts.export')}
        </Button>
      </div>
      <Problem error={make.error} />
    </div>
  );
}
