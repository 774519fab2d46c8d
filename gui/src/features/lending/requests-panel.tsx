import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { enginesQuery } from '@/shared/api/requests/engines';
import { peersQuery } from '@/shared/api/requests/peers';
import { dropRequest, requestsQuery } from '@/shared/api/requests/requests';
import type { AccessRequest } from '@/shared/api/types';
import { fullTime, moment } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Panel } from '@/shared/ui/page';
import { Problem } from '@/shared/ui/states';
import { LetDialog } from './let-dialog';
import { RequestNote } from './request-note';
import { requestWords } from './request-words';

/** What friends ask to use. Nothing stands there while nobody asks. */
export function Requests() {
  const t = useMessages();
  const client = useQueryClient();
  const requests = useQuery(requestsQuery).data ?? [];
  const engines = useQuery(enginesQuery);
  const peers = useQuery(peersQuery);
  const [answered, setAnswered] = useState<AccessRequest>();
  const drop = useMutation({
    mutationFn: dropRequest,
    onSettled: () => client.invalidateQueries({ queryKey: requestsQuery.queryKey }),
  });
  const lacks = engines.data?.length === 0 ? t('given.needs_engine') : undefined;
  if (requests.length === 0 && !answered) return null;
  return (
    <Panel title={t('asks.title')}>
      <ul>
        {requests.map((it) => (
          <li
            key={it.id}
            className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b border-line px-4 py-2.5 last:border-b-0"
          >
            <div className="flex min-w-0 flex-1 basis-72 flex-col gap-1">
              <p className="break-words">{requestWords(t, it)}</p>
              <RequestNote request={it} />
              <p className="text-meta text-muted" title={fullTime(it.at)}>
                {t('asks.since', { time: moment(it.at) })}
                {lacks !== undefined && <span className="text-wait"> · {lacks}</span>}
              </p>
            </div>
            <div className="flex gap-2">
              <Button
                needs="admin"
                disabled={lacks !== undefined}
                title={lacks}
                onClick={() => setAnswered(it)}
                aria-label={t('asks.let_one', { sentence: requestWords(t, it) })}
              >
                {t('asks.let')}
              </Button>
              <Button
                needs="admin"
                disabled={drop.isPending}
                onClick={() => drop.mutate(it.id)}
                aria-label={t('asks.no_one', { sentence: requestWords(t, it) })}
              >
                {t('asks.no')}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <div className="px-4 empty:hidden">
        <Problem error={drop.error} />
      </div>
      {answered && (
        <LetDialog
          engines={engines.data ?? []}
          peers={peers.data ?? []}
          request={answered}
          onClose={() => setAnswered(undefined)}
        />
      )}
    </Panel>
  );
}
