import { useMutation, useQuery } from '@tanstack/react-query';
import { HandHeart, Workflow } from 'lucide-react';
import { grantsQuery } from '@/shared/api/requests/grants';
import { peersQuery } from '@/shared/api/requests/peers';
import type { Grant } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { grantState, usedAs } from '@/shared/mesh/sentence';
import { useNewDraft, useOpenDraft } from '@/shared/presets/new-draft';
import { Button } from '@/shared/ui/button';
import { Panel } from '@/shared/ui/page';
import { Empty, Problem } from '@/shared/ui/states';
import { useNow } from '@/shared/ui/use-now';
import { borrowingPreset } from './borrowing-preset';
import { GrantRow } from './grant-row';

/** What this node may use at friends', and how it is used. */
export function Borrowing() {
  const t = useMessages();
  const grants = useQuery(grantsQuery);
  const now = useNow(10_000);
  return (
    <Panel title={t('borrow.title')}>
      <MeshReady of={grants}>
        {(all) => {
          const held = all.filter((it) => !it.is_given);
          const good = held.filter((it) => grantState(it, now) === 'good');
          const over = held.filter((it) => grantState(it, now) !== 'good');
          return (
            <>
              {good.length === 0 && (
                <Empty icon={<HandHeart aria-hidden />} title={t('borrow.none')}>
                  <p>{t('borrow.none.hint')}</p>
                </Empty>
              )}
              <ul>
                {good.map((grant) => (
                  <GrantRow key={grant.id} grant={grant} state="good">
                    <Uses grant={grant} />
                  </GrantRow>
                ))}
              </ul>
              {over.length > 0 && (
                <details className="border-t border-line px-4 py-2">
                  <summary className="text-muted">{t('given.over', { count: over.length })}</summary>
                  <ul>
                    {over.map((grant) => (
                      <GrantRow key={grant.id} grant={grant} state={grantState(grant, now)} />
                    ))}
                  </ul>
                </details>
              )}
            </>
          );
        }}
      </MeshReady>
    </Panel>
  );
}

/** A button for each workflow that may be used: it makes a workflow of one's own with the step in it. */
function Uses({ grant }: { readonly grant: Grant }) {
  const t = useMessages();
  const peers = useQuery(peersQuery).data;
  const makeDraft = useNewDraft();
  const open = useOpenDraft();
  const make = useMutation({
    mutationFn: (workflow: string) => {
      const who = grant.owner_name ?? '';
      return makeDraft(
        borrowingPreset(
          { workflow, engine: grant.engine, peer: peers?.find((it) => it.node === grant.owner)?.name },
          {
            title: t('borrow.made', { workflow, who }),
            start: t('workflows.start'),
            step: t('borrow.step', { workflow, who }),
          },
        ),
      );
    },
    onSuccess: ({ id }) => open(id),
  });
  return (
    <div className="flex flex-col items-start gap-1.5">
      {grant.can.map(usedAs).map((workflow) => (
        <Button key={workflow} needs="editor" disabled={make.isPending} onClick={() => make.mutate(workflow)}>
          <Workflow aria-hidden className="size-4" />
          {t('borrow.use_one', { workflow })}
        </Button>
      ))}
      <Problem error={make.error} />
    </div>
  );
}
