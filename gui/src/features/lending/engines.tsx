import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Handshake, Plus } from 'lucide-react';
import { useState } from 'react';
import { enginesQuery, lend, pauseEngine, unlend } from '@/shared/api/requests/engines';
import { meshQuery } from '@/shared/api/requests/mesh';
import type { Engine } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { componentOf } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Panel } from '@/shared/ui/page';
import { Empty, Problem } from '@/shared/ui/states';
import { Switch } from '@/shared/ui/switch';
import { LendDialog } from './lend-dialog';
import { ComponentLine, ModelLine, WorkflowLine } from './offer-lines';
import { offerName } from './offers';
import { heldWords, whenWords } from './policy';
import { WhenDialog } from './when-dialog';

/** What this node lends: workflows, components and models, together in engines that share one limit. */
export function Engines() {
  const t = useMessages();
  const engines = useQuery(enginesQuery);
  const [isLending, setLending] = useState(false);
  return (
    <Panel
      title={t('lending.engines')}
      action={
        <Button needs="admin" onClick={() => setLending(true)}>
          <Plus aria-hidden className="size-4" />
          {t('lending.lend_one')}
        </Button>
      }
    >
      <MeshReady of={engines}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={<Handshake aria-hidden />} title={t('lending.none')}>
              <p>{t('lending.none.hint')}</p>
            </Empty>
          ) : (
            <ul>
              {list.map((engine) => (
                <EngineRow key={engine.name} engine={engine} />
              ))}
            </ul>
          )
        }
      </MeshReady>
      {isLending && <LendDialog engines={engines.data ?? []} onClose={() => setLending(false)} />}
    </Panel>
  );
}

function EngineRow({ engine }: { readonly engine: Engine }) {
  const t = useMessages();
  const client = useQueryClient();
  const isAllPaused = useQuery(meshQuery).data?.is_lending_paused === true;
  const [stopping, setStopping] = useState<{ readonly capability?: string; readonly what: string }>();
  const [isTiming, setTiming] = useState(false);
  const again = () => client.invalidateQueries({ queryKey: ['mesh'] });
  const pause = useMutation({ mutationFn: (paused: boolean) => pauseEngine(engine.name, paused), onSettled: again });
  const renew = useMutation({ mutationFn: (preset: string) => lend(engine.name, { run: [preset] }), onSuccess: again });
  const running = engine.running ?? 0;
  const offers = Object.entries(engine.offers);
  const when = whenWords(t, engine.policy);
  // What is paused by hand takes none later either.
  const held = engine.is_paused || isAllPaused ? undefined : heldWords(t, engine.held);
  return (
    <li className="border-b border-line px-4 py-2.5 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <div className="min-w-0 flex-1 basis-44">
          <h3 className="break-words">{engine.name}</h3>
          <p className="text-meta text-muted">
            <span className={running > 0 ? 'text-run' : ''}>
              {t('lending.running', { count: running, most: engine.concurrent })}
            </span>
            {isAllPaused && !engine.is_paused && <span className="text-wait"> · {t('lending.all.off')}</span>}
            {held !== undefined && <span className="text-wait"> · {held}</span>}
          </p>
          {when !== undefined && <p className="text-meta break-words text-muted">{when}</p>}
        </div>
        <Switch
          isOn={!engine.is_paused}
          label={t('lending.engine', { name: engine.name })}
          title={t('lending.engine.hint')}
          words={{ on: t('lending.on'), off: t('lending.paused') }}
          needs="admin"
          isBusy={pause.isPending}
          onFlip={() => pause.mutate(!engine.is_paused)}
          className="text-meta"
        />
        <div className="ml-auto flex">
          <Button
            look="quiet"
            needs="admin"
            onClick={() => setTiming(true)}
            aria-label={t('when.open_one', { name: engine.name })}
          >
            {t('when.open')}
          </Button>
          <Button
            look="quiet"
            needs="admin"
            onClick={() => setStopping({ what: engine.name })}
            aria-label={t('lending.stop_one', { name: engine.name })}
          >
            {t('lending.stop')}
          </Button>
        </div>
      </div>
      <ul className="pt-1">
        {offers.map(([capability, offer]) => {
          const name = offerName(t, capability, offer);
          const stop = () => setStopping({ capability, what: name });
          const onStop = offers.length > 1 ? stop : undefined;
          if (offer.kind === 'chat') return <ModelLine key={capability} offer={offer} onStop={onStop} />;
          if (componentOf(capability) !== undefined)
            return <ComponentLine key={capability} name={name} onStop={onStop} />;
          return (
            <WorkflowLine
              key={capability}
              offer={offer}
              isBusy={renew.isPending}
              onRenew={() => renew.mutate(offer.preset)}
              onStop={onStop}
            />
          );
        })}
      </ul>
      <Problem error={pause.error ?? renew.error} />
      {isTiming && <WhenDialog engine={engine} onClose={() => setTiming(false)} />}
      {stopping && (
        <StopDialog engine={engine.name} running={running} {...stopping} onClose={() => setStopping(undefined)} />
      )}
    </li>
  );
}

type StopDialogProps = {
  readonly engine: string;
  readonly running: number;
  readonly capability?: string;
  readonly what: string;
  readonly onClose: () => void;
};

function StopDialog({ engine, running, capability, what, onClose }: StopDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const stop = useMutation({
    mutationFn: () => unlend(engine, capability),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  return (
    <Dialog
      title={t('lending.stop.title', { name: what })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="danger" disabled={stop.isPending} onClick={() => stop.mutate()}>
            {t('lending.stop')}
          </Button>
        </>
      }
    >
      <p>{t('lending.stop.goes')}</p>
      {running > 0 && <p className="text-wait">{t('lending.stop.running', { count: running })}</p>}
      <Problem error={stop.error} />
    </Dialog>
  );
}
