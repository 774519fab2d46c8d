import type { ReactNode } from 'react';
import type { Grant } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { grantState } from '@/shared/mesh/sentence';
import { useNow } from '@/shared/ui/use-now';
import { GrantRow } from './grant-row';

type Props = {
  readonly grants: readonly Grant[];
  /** What stands there when none holds now. */
  readonly empty: ReactNode;
  /** What stands below one that holds. */
  readonly below?: (grant: Grant) => ReactNode;
};

/** Grants: those that hold, and folded away those that ended or were taken back. */
export function GrantList({ grants, empty, below }: Props) {
  const t = useMessages();
  const now = useNow(10_000);
  const good = grants.filter((it) => grantState(it, now) === 'good');
  const over = grants.filter((it) => grantState(it, now) !== 'good');
  return (
    <>
      {good.length === 0 && empty}
      <ul>
        {good.map((grant) => (
          <GrantRow key={grant.id} grant={grant} state="good">
            {below?.(grant)}
          </GrantRow>
        ))}
      </ul>
      {over.length > 0 && (
        <details className="border-t border-line px-4 py-2">
          <summary className="text-muted">{t('given.over', { count: over.length })}</summary>
          <ul>
            {over.map((grant) => (
              <GrantRow key={grant.id} grant={grant} state={grantState(grant, now)} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
