import { useInfiniteQuery } from '@tanstack/react-query';
import { Scale } from 'lucide-react';
import { decisionsQuery } from '@/shared/api/requests/decisions';
import { LOOK_MS } from '@/shared/api/requests/mesh';
import type { MeshDecision } from '@/shared/api/types';
import { fullTime, moment } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { useFriendNames } from '@/shared/mesh/friend-names';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { plainDecision } from '@/shared/mesh/plain-text';
import { Prose } from '@/shared/ui/prose';
import { Empty } from '@/shared/ui/states';
import { kindWord } from './kinds';
import { More } from './more';

/** Who was let in, refused, given or denied something, newest first. */
export function Decisions() {
  const t = useMessages();
  const decisions = useInfiniteQuery({ ...decisionsQuery, refetchInterval: LOOK_MS });
  const nameOf = useFriendNames();
  return (
    <MeshReady of={decisions}>
      {({ pages }) => {
        const all = pages.flat();
        if (all.length === 0) {
          return (
            <Empty icon={<Scale aria-hidden />} title={t('decisions.none')}>
              <p>{t('decisions.none.hint')}</p>
            </Empty>
          );
        }
        return (
          <>
            <ul>
              {all.map((it) => (
                <Row key={it.no} decision={it} name={it.peer == null ? undefined : nameOf(it.peer)} />
              ))}
            </ul>
            <More of={decisions} />
          </>
        );
      }}
    </MeshReady>
  );
}

function Row({ decision, name }: { readonly decision: MeshDecision; readonly name: string | undefined }) {
  const t = useMessages();
  const { key, tone } = kindWord(decision.kind);
  return (
    <li className="border-b border-line px-4 py-2 last:border-b-0">
      <p className="flex flex-wrap items-baseline gap-x-3">
        <span className={`font-semibold ${tone}`}>{key === undefined ? decision.kind : t(key)}</span>
        {name !== undefined && <span>{name}</span>}
        <span className="text-meta text-muted" title={fullTime(decision.at)}>
          {moment(decision.at)}
        </span>
      </p>
      <p className="break-words text-muted">
        <Prose text={plainDecision(decision.text)} />
      </p>
      {decision.peer != null && (
        <details>
          <summary className="text-meta text-muted">{t('mesh.details')}</summary>
          <code className="block font-mono text-meta break-all">{decision.peer}</code>
        </details>
      )}
    </li>
  );
}
