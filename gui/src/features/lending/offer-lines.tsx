import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { isMissing } from '@/shared/api/problem';
import { modelServersQuery } from '@/shared/api/requests/model-servers';
import { presetsQuery } from '@/shared/api/requests/presets';
import { fetchVersions } from '@/shared/api/requests/versions';
import type { Offer } from '@/shared/api/types';
import { useRefused } from '@/shared/auth/may';
import { fullTime, moment, shortHash } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { serverWords } from './offers';

type LineProps = {
  readonly name: string;
  /** Stands behind the name, and below both. */
  readonly also?: ReactNode;
  readonly below: ReactNode;
  readonly onStop: (() => void) | undefined;
  readonly children?: ReactNode;
};

/** One thing that an engine does. `children` are what can be done with it. */
function Line({ name, also, below, onStop, children }: LineProps) {
  const t = useMessages();
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 py-0.5">
      <div className="min-w-0 flex-1 basis-60">
        <p className="break-words">
          {name}
          {also}
        </p>
        {below}
      </div>
      {children}
      {onStop && (
        <IconButton needs="admin" onClick={onStop} label={t('lending.stop_one', { name })}>
          <X aria-hidden className="size-4" />
        </IconButton>
      )}
    </li>
  );
}

type WorkflowLineProps = {
  readonly offer: Extract<Offer, { kind: 'run' }>;
  readonly isBusy: boolean;
  readonly onRenew: () => void;
  readonly onStop: (() => void) | undefined;
};

/** One workflow that is lent, as it was when it was lent: later changes are lent only when somebody says so. */
export function WorkflowLine({ offer, isBusy, onRenew, onStop }: WorkflowLineProps) {
  const t = useMessages();
  const draft = useQuery(presetsQuery).data?.find((it) => it.id === offer.preset);
  const versions = useQuery({
    queryKey: ['versions', offer.preset, offer.version],
    queryFn: ({ signal }) => fetchVersions(offer.preset, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const frozenAt = versions.data?.find((it) => it.id === offer.version)?.frozen_at;
  const isOld = draft !== undefined && frozenAt !== undefined && draft.changed_at > frozenAt;
  const name = draft?.title || offer.name;
  return (
    <Line
      name={name}
      also={name !== offer.name && <span className="text-muted"> · {t('lending.as', { name: offer.name })}</span>}
      below={
        <p className="text-meta text-muted" title={frozenAt === undefined ? undefined : fullTime(frozenAt)}>
          {frozenAt === undefined
            ? t('lending.version', { version: shortHash(offer.version) })
            : t('lending.frozen', { time: moment(frozenAt) })}
          {isOld && <span className="text-wait"> · {t('lending.old')}</span>}
        </p>
      }
      onStop={onStop}
    >
      {isOld && (
        <Button needs="admin" disabled={isBusy} onClick={onRenew} aria-label={t('lending.renew_one', { name })}>
          {t('lending.renew')}
        </Button>
      )}
    </Line>
  );
}

type ComponentLineProps = { readonly name: string; readonly onStop: (() => void) | undefined };

/** A single component that is lent as it was set. */
export function ComponentLine({ name, onStop }: ComponentLineProps) {
  const t = useMessages();
  return <Line name={name} below={<p className="text-meta text-muted">{t('lending.as_set')}</p>} onStop={onStop} />;
}

/** How often it is looked whether a model server still answers. */
const LOOK_AGAIN_MS = 30_000;

type ModelLineProps = {
  readonly offer: Extract<Offer, { kind: 'chat' }>;
  readonly onStop: (() => void) | undefined;
};

/** The model that is lent, of which server, and whether that answers now, for whoever may ask. */
export function ModelLine({ offer, onStop }: ModelLineProps) {
  const t = useMessages();
  const mayLook = useRefused('admin') === undefined;
  const looked = useQuery({
    ...modelServersQuery(offer.server),
    enabled: mayLook,
    staleTime: 0,
    refetchInterval: LOOK_AGAIN_MS,
  });
  const server = looked.data?.[0];
  const isAway = isMissing(looked.error);
  const lacks = !isAway && server !== undefined && !server.models.includes(offer.model);
  return (
    <Line
      name={t('lending.model_named', { model: offer.model })}
      also={<span className="text-muted"> · {serverWords(t, offer.server, server?.software)}</span>}
      below={
        (isAway || lacks) && (
          <p className="text-meta text-wait">{t(isAway ? 'lending.model.away' : 'lending.model.gone')}</p>
        )
      }
      onStop={onStop}
    />
  );
}
