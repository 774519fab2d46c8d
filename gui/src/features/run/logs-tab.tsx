import { useMemo } from 'react';
import type { Run } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { LogLines } from '@/shared/jobs/log-lines';
import { Empty } from '@/shared/ui/states';

/** What a step wrote. */
export function LogsTab({ run }: { readonly run: Run | undefined }) {
  const t = useMessages();
  const logs = run?.logs;
  const lines = useMemo(() => (logs ?? []).map((line) => ({ line })), [logs]);
  if (!run || lines.length === 0) return <Empty title={run ? t('step.no_logs') : t('step.not_yet')} />;
  return (
    <LogLines lines={lines} label={t('step.logs')}>
      {run.logsLeftOut > 0 && <p className="px-3 text-muted">{t('step.logs_left_out', { count: run.logsLeftOut })}</p>}
    </LogLines>
  );
}
