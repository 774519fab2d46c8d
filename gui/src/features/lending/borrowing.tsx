import { useMutation, useQuery } from '@tanstack/react-query';
import { Blocks, BotMessageSquare, Hand, HandHeart, Share2, Workflow } from 'lucide-react';
import { useState } from 'react';
import { grantsQuery } from '@/shared/api/requests/grants';
import { peersQuery } from '@/shared/api/requests/peers';
import type { Grant } from '@/shared/api/types';
import { duration } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { ASK, componentOf, workflowOf } from '@/shared/mesh/sentence';
import { useNewDraft, useOpenDraft } from '@/shared/presets/new-draft';
import { Button } from '@/shared/ui/button';
import { Panel } from '@/shared/ui/page';
import { Empty, Problem } from '@/shared/ui/states';
import { AskDialog } from './ask-dialog';
import { askingPreset, borrowingPreset, type Runs } from './borrowing-preset';
import { GrantList } from './grant-list';
import { heldOf } from './held';
import { PassOnDialog } from './pass-on-dialog';

/** What this node may use at friends', and how it is used. */
export function Borrowing() {
  const t = useMessages();
  const grants = useQuery(grantsQuery);
  const peers = useQuery(peersQuery);
  const [isAsking, setAsking] = useState(false);
  const lacks = peers.data?.length === 0 ? t('given.needs_friend') : undefined;
  return (
    <Panel
      title={t('borrow.title')}
      action={
        <Button needs="admin" disabled={lacks !== undefined} title={lacks} onClick={() => setAsking(true)}>
          <Hand aria-hidden className="size-4" />
          {t('ask.title')}
        </Button>
      }
    >
      <MeshReady of={grants}>
        {(all) => (
          <GrantList
            grants={heldOf(all)}
            empty={
              <Empty icon={<HandHeart aria-hidden />} title={t('borrow.none')}>
                <p>{t('borrow.none.hint')}</p>
              </Empty>
            }
            below={(grant) => (
              <div className="flex min-w-0 flex-col items-start gap-1.5">
                <Lately grant={grant} />
                <Uses grant={grant} />
              </div>
            )}
          />
        )}
      </MeshReady>
      {isAsking && <AskDialog peers={peers.data ?? []} onClose={() => setAsking(false)} />}
    </Panel>
  );
}

/** How calls under a grant went of late. */
function Lately({ grant }: { readonly grant: Grant }) {
  const t = useMessages();
  if (!grant.experience) return null;
  const { calls, failed, typical_ms } = grant.experience;
  const text =
    typical_ms == null
      ? t('borrow.lately', { calls, failed })
      : t('borrow.lately_took', { calls, failed, took: duration(typical_ms * 1_000) });
  return <p className="text-meta text-muted">{text}</p>;
}

type Named = { readonly name: string; readonly what: Runs; readonly Icon: typeof Workflow };

/** A button for each thing that may be used: it makes a workflow of one's own with the step in it. */
function Uses({ grant }: { readonly grant: Grant }) {
  const t = useMessages();
  const peers = useQuery(peersQuery).data;
  const makeDraft = useNewDraft();
  const open = useOpenDraft();
  const make = useMutation({ mutationFn: makeDraft, onSuccess: ({ id }) => open(id) });
  const [isPassing, setPassing] = useState(false);
  const { engine } = grant;
  const who = grant.owner_name ?? '';
  const borrowed = { engine, peer: peers?.find((it) => it.node === grant.owner)?.name };
  const run = (name: string, what: Runs) => {
    const title = t('borrow.made', { workflow: name, who });
    make.mutate(borrowingPreset(borrowed, what, { title, start: t('workflows.start'), step: title }));
  };
  const named = grant.can.flatMap((capability): readonly Named[] => {
    const [workflow, component] = [workflowOf(capability), componentOf(capability)];
    if (workflow !== undefined) return [{ name: workflow, what: { preset: workflow }, Icon: Workflow }];
    return component === undefined ? [] : [{ name: component, what: { tool: component }, Icon: Blocks }];
  });
  const ask = () => {
    const title = t('borrow.asked', { engine, who });
    make.mutate(askingPreset(borrowed, t('borrow.question'), { title, start: t('workflows.start'), step: title }));
  };
  return (
    <div className="flex flex-col items-start gap-1.5">
      {named.map(({ name, what, Icon }) => (
        <Button key={name} needs="editor" disabled={make.isPending} onClick={() => run(name, what)}>
          <Icon aria-hidden className="size-4" />
          {t('borrow.use_one', { workflow: name })}
        </Button>
      ))}
      {grant.can.includes(ASK) && (
        <Button needs="editor" disabled={make.isPending} onClick={ask}>
          <BotMessageSquare aria-hidden className="size-4" />
          {t('borrow.ask_one', { engine })}
        </Button>
      )}
      {grant.depth > 0 && (
        <Button needs="admin" onClick={() => setPassing(true)} aria-label={t('pass.open_one', { engine, who })}>
          <Share2 aria-hidden className="size-4" />
          {t('pass.open')}
        </Button>
      )}
      {isPassing && <PassOnDialog grant={grant} onClose={() => setPassing(false)} />}
      <Problem error={make.error} />
    </div>
  );
}
