import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { giveGrant } from '@/shared/api/requests/grants';
import type { Engine, Peer } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { ASK, allowedWords, usesOf } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input, Select } from '@/shared/ui/field';
import { Problem } from '@/shared/ui/states';
import { FriendField } from './friend-field';
import { dayText, endOf, LIMITS_FIRST, type LimitName, readLimits, SPANS, type Span } from './limits';
import { offerUse } from './offers';

type LetDialogProps = {
  readonly engines: readonly Engine[];
  readonly peers: readonly Peer[];
  readonly onClose: () => void;
};

const YEAR_MS = 366 * 86_400_000;

/** Lets a friend use something: who, what, how much, until when; as a sentence while it is filled in. */
export function LetDialog({ engines, peers, onClose }: LetDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const [chosenWho, setWho] = useState<string>();
  const [chosenEngine, setEngine] = useState<string>();
  // Whoever has not been asked yet gets the first of each, also when the lists come later than the dialog.
  const peer = peers.find((it) => it.node === chosenWho) ?? peers[0];
  const engine = engines.find((it) => it.name === chosenEngine) ?? engines[0];
  const who = peer?.node ?? '';
  const engineName = engine?.name ?? '';
  const all = Object.entries(engine?.offers ?? {});
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [span, setSpan] = useState<Span>('week');
  const [date, setDate] = useState('');
  const [texts, setTexts] = useState(LIMITS_FIRST);
  const can = all.filter(([capability]) => !left.has(capability));
  const asksModel = can.some(([capability]) => capability === ASK);
  const { limits, wrong } = readLimits(texts, asksModel);
  const until = endOf(span, date, Date.now());
  const give = useMutation({
    mutationFn: () =>
      giveGrant({ to: who, engine: engineName, can: can.map(([capability]) => capability), limits, until: until ?? 0 }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  const isWhole = who !== '' && can.length > 0 && until !== undefined && wrong.length === 0;
  const choose = (name: string) => {
    setEngine(name);
    setLeft(new Set());
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isWhole) give.mutate();
  };
  const limit = (name: LimitName, label: string) => (
    <Field label={label} error={wrong.includes(name) ? t('grant.number') : undefined}>
      {(ids) => (
        <Input
          {...ids}
          inputMode="numeric"
          placeholder={t('grant.no_limit')}
          value={texts[name]}
          onChange={(event) => setTexts({ ...texts, [name]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <Dialog
      title={t('given.let')}
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
      <form id="let" onSubmit={submit} className="flex flex-col gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <FriendField label={t('let.who')} peers={peers} value={who} onChange={setWho} />
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
        <fieldset>
          <legend className="pb-1 font-semibold">{t('let.what')}</legend>
          {all.map(([capability, offer]) => (
            <label key={capability} className="flex min-h-8 items-center gap-2 pointer-coarse:min-h-11">
              <input
                type="checkbox"
                className="size-4 accent-(--accent)"
                checked={!left.has(capability)}
                onChange={() => {
                  const next = new Set(left);
                  if (!next.delete(capability)) next.add(capability);
                  setLeft(next);
                }}
              />
              {offerUse(t, capability, offer)}
            </label>
          ))}
          {can.length === 0 && <p className="text-fail">{t('let.nothing')}</p>}
        </fieldset>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t('let.until')}>
            {(ids) => (
              <Select {...ids} value={span} onChange={(event) => setSpan(event.target.value as Span)}>
                {[...(Object.keys(SPANS) as (keyof typeof SPANS)[]), 'date' as const].map((it) => (
                  <option key={it} value={it}>
                    {t(`let.span.${it}`)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {span === 'date' && (
            <Field label={t('let.date')}>
              {(ids) => (
                <Input
                  {...ids}
                  type="date"
                  required
                  min={dayText(Date.now())}
                  max={dayText(Date.now() + YEAR_MS - 86_400_000)}
                  value={date}
                  onChange={(event) => setDate(event.target.value)}
                />
              )}
            </Field>
          )}
        </div>
        <fieldset>
          <legend className="pb-1 font-semibold">{t('let.limits')}</legend>
          <div
            className={`grid grid-cols-2 items-end gap-x-4 gap-y-2 ${asksModel ? 'sm:grid-cols-5' : 'sm:grid-cols-4'}`}
          >
            {limit('calls', t('let.calls'))}
            {limit('atOnce', t('let.at_once'))}
            {limit('minutes', t('let.minutes'))}
            {limit('mib', t('let.mib'))}
            {asksModel && limit('tokens', t('let.tokens'))}
          </div>
        </fieldset>
      </form>
      <p className="rounded-control bg-raised px-3 py-2">
        {allowedWords(t, {
          who: peer?.name ?? '…',
          uses: usesOf(
            t,
            can.map(([capability]) => capability),
          ),
          engine: engineName,
          limits,
          until,
        })}
      </p>
      {asksModel && <p className="text-muted">{t('let.sees.model')}</p>}
      {can.some(([, offer]) => offer.kind === 'run') && <p className="text-muted">{t('let.sees')}</p>}
      <Problem error={give.error} />
    </Dialog>
  );
}
