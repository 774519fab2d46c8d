import { useMutation, useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleX } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { enginesQuery } from '@/shared/api/requests/engines';
import { grantsQuery, testGrant } from '@/shared/api/requests/grants';
import { peersQuery } from '@/shared/api/requests/peers';
import { useMessages } from '@/shared/i18n/messages';
import { plainReason } from '@/shared/mesh/plain-text';
import { Button } from '@/shared/ui/button';
import { Field, Select } from '@/shared/ui/field';
import { Panel } from '@/shared/ui/page';
import { Problem } from '@/shared/ui/states';
import { FriendField } from './friend-field';
import { offerLabel } from './offers';

/** Asks the node whether a friend could do something now, and why. Nothing is done, nobody is told. */
export function CouldThey() {
  const t = useMessages();
  const peers = useQuery(peersQuery).data ?? [];
  const engines = useQuery(enginesQuery).data ?? [];
  const grants = useQuery(grantsQuery).data ?? [];
  const [typed, setTyped] = useState({ who: '', what: '' });
  const whats = engines.flatMap((engine) =>
    Object.entries(engine.offers).map(([can, offer]) => ({
      key: JSON.stringify([engine.name, can]),
      engine: engine.name,
      can,
      label: offerLabel(t, engine.name, can, offer),
    })),
  );
  const who = peers.find((it) => it.node === typed.who) ?? peers[0];
  const what = whats.find((it) => it.key === typed.what) ?? whats[0];
  const test = useMutation({ mutationFn: testGrant });
  if (!who || !what) return null;
  const change = (part: Partial<typeof typed>) => {
    setTyped({ ...typed, ...part });
    test.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    test.mutate({ who: who.node, engine: what.engine, can: what.can });
  };
  const Icon = test.data?.allowed ? CircleCheck : CircleX;
  return (
    <Panel title={t('could.title')}>
      <div className="flex flex-col gap-3 p-4">
        <form onSubmit={submit} className="grid gap-3 sm:grid-cols-[1fr_1fr_auto] sm:items-end">
          <FriendField
            label={t('could.who')}
            peers={peers}
            value={who.node}
            onChange={(node) => change({ who: node })}
          />
          <Field label={t('could.what')}>
            {(ids) => (
              <Select {...ids} value={what.key} onChange={(event) => change({ what: event.target.value })}>
                {whats.map((it) => (
                  <option key={it.key} value={it.key}>
                    {it.label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Button type="submit" disabled={test.isPending}>
            {t('could.ask')}
          </Button>
        </form>
        <div role="status" className="empty:hidden">
          {test.data && (
            <>
              <p className={`flex items-center gap-2 font-semibold ${test.data.allowed ? 'text-ok' : 'text-fail'}`}>
                <Icon aria-hidden className="size-4 shrink-0" />
                {test.data.allowed ? t('could.yes', { who: who.name }) : t('could.no', { who: who.name })}
              </p>
              <ul className="list-disc pl-6">
                {test.data.reasons.map((reason) => (
                  <li key={reason} className="break-words">
                    {plainReason(t, reason, grants)}
                  </li>
                ))}
              </ul>
            </>
          )}
        </div>
        <Problem error={test.error} />
      </div>
    </Panel>
  );
}
