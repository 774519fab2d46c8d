import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { passOn } from '@/shared/api/requests/grants';
import { peersQuery } from '@/shared/api/requests/peers';
import type { Grant, PassOn } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { ASK, allowedWords, usedAs, usesOf } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Problem } from '@/shared/ui/states';
import { FriendField } from './friend-field';
import { endOf, LIMITS_NONE, readLimits, type Span, tooMuch } from './limits';
import { DepthField, LimitFields, UntilFields, UsesField } from './terms-fields';

type PassOnDialogProps = { readonly grant: Grant; readonly onClose: () => void };

/** Lets somebody else use what this node may use of a friend's: at most as much, and at most as long. */
export function PassOnDialog({ grant, onClose }: PassOnDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const { engine, limits: outer } = grant;
  const owner = grant.owner_name ?? '';
  // The owner needs no leave to use what is theirs.
  const peers = (useQuery(peersQuery).data ?? []).filter((it) => it.node !== grant.owner);
  const [chosen, setWho] = useState<string>();
  const peer = peers.find((it) => it.node === chosen) ?? peers[0];
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [span, setSpan] = useState<Span | 'held'>('held');
  const [date, setDate] = useState('');
  const [texts, setTexts] = useState(LIMITS_NONE);
  const [depth, setDepth] = useState(0);
  const can = grant.can.filter((it) => !left.has(it));
  const asksModel = can.includes(ASK);
  const { limits, wrong } = readLimits(texts, asksModel);
  const wide = tooMuch(texts, outer);
  const asked = span === 'held' ? grant.ends_at : endOf(span, date, Date.now());
  // The end of the day on which the grant ends is after its end.
  const until = asked === undefined ? undefined : Math.min(asked, grant.ends_at);
  const pass = useMutation({
    mutationFn: (body: PassOn) => passOn(grant.id, body),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  const isWhole = peer && can.length > 0 && until !== undefined && wrong.length === 0 && wide.length === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isWhole) return;
    const ends = span === 'held' ? {} : { until };
    pass.mutate({ to: peer.node, can, limits, depth, ...ends });
  };
  const inner = Object.fromEntries(Object.entries({ ...outer, ...limits }).filter(([, value]) => value != null));
  return (
    <Dialog
      title={t('pass.title', { engine, who: owner })}
      hint={t('pass.hint', { who: owner })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="pass" look="primary" disabled={!isWhole || pass.isPending}>
            {t('pass.give')}
          </Button>
        </>
      }
    >
      {peers.length === 0 && <p className="text-wait">{t('pass.nobody', { who: owner })}</p>}
      <form id="pass" onSubmit={submit} className="flex flex-col gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <FriendField label={t('pass.to')} peers={peers} value={peer?.node ?? ''} onChange={setWho} />
        </div>
        {grant.can.length > 1 && (
          <UsesField all={grant.can.map((id) => ({ id, label: usedAs(t, id) }))} left={left} onChange={setLeft} />
        )}
        <UntilFields
          span={span}
          date={date}
          also={[{ id: 'held', label: t('pass.held') }]}
          latest={grant.ends_at}
          onSpan={setSpan}
          onDate={setDate}
        />
        <LimitFields texts={texts} onChange={setTexts} asksModel={asksModel} wrong={wrong} wide={wide} outer={outer} />
        {grant.depth > 1 && (
          <div className="grid gap-4 sm:grid-cols-2">
            <DepthField value={depth} most={grant.depth - 1} onChange={setDepth} />
          </div>
        )}
      </form>
      <p className="rounded-control bg-raised px-3 py-2">
        {allowedWords(t, {
          who: peer?.name ?? '…',
          uses: usesOf(t, can),
          engine: t('grant.engine_of', { engine, who: owner }),
          limits: inner,
          until,
          depth,
        })}
      </p>
      <p className="text-muted">{t('pass.then')}</p>
      <Problem error={pass.error} />
    </Dialog>
  );
}
