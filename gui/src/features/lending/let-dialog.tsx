import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { giveGrant } from '@/shared/api/requests/grants';
import type { AccessRequest, Engine, NewGrant, Peer } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { ASK, allowedWords, usesOf } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Select } from '@/shared/ui/field';
import { Problem } from '@/shared/ui/states';
import { FriendField } from './friend-field';
import { endOf, LIMITS_FIRST, readLimits, type Span } from './limits';
import { offerUse } from './offers';
import { RequestNote } from './request-note';
import { answerTo, lackingWords } from './request-words';
import { DEPTH_MAX, DepthField, LimitFields, RenewsSwitch, UntilFields, UsesField } from './terms-fields';

type LetDialogProps = {
  readonly engines: readonly Engine[];
  readonly peers: readonly Peer[];
  /** What a friend asked for: the form begins with it, and giving answers it. */
  readonly request?: AccessRequest;
  readonly onClose: () => void;
};

/** Lets a friend use something: who, what, how much, until when; as a sentence while it is filled in. */
export function LetDialog({ engines, peers, request, onClose }: LetDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const [answer] = useState(() => request && answerTo(request, engines));
  const [chosenWho, setWho] = useState(request?.node);
  const [chosenEngine, setEngine] = useState(answer?.engine);
  // Whoever has not been asked yet gets the first of each, also when the lists come later than the dialog.
  const peer = peers.find((it) => it.node === chosenWho) ?? (request ? undefined : peers[0]);
  const engine = engines.find((it) => it.name === chosenEngine) ?? engines[0];
  const engineName = engine?.name ?? '';
  const all = Object.entries(engine?.offers ?? {});
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set(answer?.left));
  const [span, setSpan] = useState<Span>('week');
  const [date, setDate] = useState('');
  const [texts, setTexts] = useState(LIMITS_FIRST);
  const [depth, setDepth] = useState(0);
  const [renews, setRenews] = useState(false);
  const can = all.flatMap(([capability]) => (left.has(capability) ? [] : [capability]));
  const asksModel = can.includes(ASK);
  const { limits, wrong } = readLimits(texts, asksModel);
  const until = endOf(span, date, Date.now());
  const give = useMutation({
    mutationFn: (grant: NewGrant) => giveGrant(grant),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  const isWhole = peer !== undefined && can.length > 0 && until !== undefined && wrong.length === 0;
  const choose = (name: string) => {
    setEngine(name);
    setLeft(new Set());
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isWhole) return;
    const answered = request ? { request: request.id } : {};
    give.mutate({ to: peer.node, engine: engineName, can, limits, until, depth, renews, ...answered });
  };
  return (
    <Dialog
      title={request ? t('asks.let_title', { who: request.from }) : t('given.let')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="let" look="primary" disabled={!isWhole || give.isPending}>
            {t('let.give')}
          </Button>
        </>
      }
    >
      {request && (
        <div className="flex flex-col gap-1">
          <RequestNote request={request} />
          {answer && <p className="text-wait empty:hidden">{lackingWords(t, answer.lacks)}</p>}
        </div>
      )}
      <form id="let" onSubmit={submit} className="flex flex-col gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          {!request && <FriendField label={t('let.who')} peers={peers} value={peer?.node ?? ''} onChange={setWho} />}
          <Field label={t('lending.engine_name')}>
            {(ids) => (
              <Select {...ids} value={engineName} onChange={(event) => choose(event.target.value)}>
                {engines.map((it) => (
                  <option key={it.name}>{it.name}</option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <UsesField
          all={all.map(([id, offer]) => ({ id, label: offerUse(t, id, offer) }))}
          left={left}
          onChange={setLeft}
        />
        <UntilFields<never> span={span} date={date} onSpan={setSpan} onDate={setDate} />
        <RenewsSwitch isOn={renews} onFlip={() => setRenews(!renews)} />
        <LimitFields texts={texts} onChange={setTexts} asksModel={asksModel} wrong={wrong} />
        <div className="grid gap-4 sm:grid-cols-2">
          <DepthField value={depth} most={DEPTH_MAX} onChange={setDepth} />
        </div>
      </form>
      <p className="rounded-control bg-raised px-3 py-2">
        {allowedWords(t, {
          who: request?.from ?? peer?.name ?? '…',
          uses: usesOf(t, can),
          engine: engineName,
          limits,
          until,
          depth,
        })}
        {renews && ` · ${t('grant.renews')}`}
      </p>
      {asksModel && <p className="text-muted">{t('let.sees.model')}</p>}
      {can.some((it) => it !== ASK) && <p className="text-muted">{t('let.sees')}</p>}
      <Problem error={give.error} />
    </Dialog>
  );
}
