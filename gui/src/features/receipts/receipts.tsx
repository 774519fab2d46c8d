import { useInfiniteQuery } from '@tanstack/react-query';
import { ArrowDownLeft, ArrowUpRight, ReceiptText } from 'lucide-react';
import { LOOK_MS } from '@/shared/api/requests/mesh';
import { joined, receiptsQuery } from '@/shared/api/requests/receipts';
import type { Receipt } from '@/shared/api/types';
import { fullTime, moment } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { useFriendNames } from '@/shared/mesh/friend-names';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { ASK, componentOf, usedAs } from '@/shared/mesh/sentence';
import { Facts } from '@/shared/ui/page';
import { Empty } from '@/shared/ui/states';
import { StateBadge } from '@/shared/ui/status';
import { Export } from './export';
import { More } from './more';
import { usageWords } from './usage';

/** The receipts, newest first. */
export function Receipts() {
  const t = useMessages();
  const receipts = useInfiniteQuery({ ...receiptsQuery, refetchInterval: LOOK_MS });
  const nameOf = useFriendNames();
  return (
    <MeshReady of={receipts}>
      {({ pages }) => {
        const all = joined(pages);
        if (all.length === 0) {
          return (
            <Empty icon={<ReceiptText aria-hidden />} title={t('receipts.none')}>
              <p>{t('receipts.none.hint')}</p>
            </Empty>
          );
        }
        return (
          <>
            <Export />
            <ul>
              {all.map((it) => (
                <Row key={`${it.is_given} ${it.peer} ${it.call}`} receipt={it} name={nameOf(it.peer)} />
              ))}
            </ul>
            <More of={receipts} />
          </>
        );
      }}
    </MeshReady>
  );
}

function Row({ receipt, name }: { readonly receipt: Receipt; readonly name: string }) {
  const t = useMessages();
  const Icon = receipt.is_given ? ArrowUpRight : ArrowDownLeft;
  const { capability, is_given: isGiven } = receipt;
  const what = usedAs(t, capability);
  const said =
    capability === ASK
      ? t(isGiven ? 'receipts.asked_for' : 'receipts.asked_by', { name })
      : t(isGiven ? 'receipts.ran_for' : 'receipts.ran_by', { what, name });
  const code = (text: string) => (
    <code key={text} className="font-mono break-all">
      {text}
    </code>
  );
  return (
    <li className="flex items-start gap-3 border-b border-line px-4 py-2 last:border-b-0">
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-muted" />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-3">
          <span className={`break-words ${componentOf(capability) === undefined ? '' : 'first-letter:uppercase'}`}>
            {said}
          </span>
          <StateBadge state={receipt.failure == null ? 'succeeded' : 'failed'} />
          {receipt.failure != null && <span className="text-muted">{receipt.failure}</span>}
        </p>
        <p className="text-meta text-muted">
          <span title={fullTime(receipt.ended_at)}>{moment(receipt.ended_at)}</span> · {usageWords(t, receipt.usage)}
        </p>
        <details>
          <summary className="text-meta text-muted">{t('mesh.details')}</summary>
          <div className="pt-1 text-meta">
            <Facts
              rows={[
                [t('lending.engine_name'), receipt.engine],
                [t('receipts.call'), code(receipt.call)],
                [t('grant.id'), code(receipt.grant)],
                [t('friends.node'), code(receipt.peer)],
              ]}
            />
          </div>
        </details>
      </div>
    </li>
  );
}
