import { useMemo } from 'react';
import { JsonTree } from '@/shared/data/json-tree';
import type { View } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Empty } from '@/shared/ui/states';

/** The variables of the run: what the workflow says, and over it what the run was given. */
export function VariablesTab({
  view,
  defaults,
}: {
  readonly view: View;
  readonly defaults: Readonly<Record<string, unknown>>;
}) {
  const t = useMessages();
  const given = view.submission?.variables;
  const all = useMemo(() => ({ ...defaults, ...given }), [defaults, given]);
  const changed = Object.keys(given ?? {});
  if (Object.keys(all).length === 0) return <Empty title={t('step.no_vars')} />;
  return (
    <div className="flex h-full flex-col">
      {changed.length > 0 && (
        <p className="px-3 py-1.5 text-muted">{t('step.vars.given', { names: changed.join(', ') })}</p>
      )}
      <div className="min-h-0 flex-1">
        <JsonTree value={all} label={t('step.vars')} />
      </div>
    </div>
  );
}
