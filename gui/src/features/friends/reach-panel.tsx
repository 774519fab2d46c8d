import { RadioTower, Waypoints } from 'lucide-react';
import type { Mesh } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { reachableWords, readReach } from '@/shared/mesh/reach';
import { CopyLine } from '@/shared/ui/copy-line';
import { Panel } from '@/shared/ui/page';
import { Prose } from '@/shared/ui/prose';
import { ReachForm } from './reach-form';
import { useOwnReach } from './use-own-reach';

/** From where this node can be reached, in a line; behind it its addresses and what its owner can do about it. */
export function ReachPanel() {
  const t = useMessages();
  const own = useOwnReach();
  return (
    <Panel>
      <MeshReady of={own.mesh}>
        {(mesh) => (
          <div className="flex flex-col gap-1 px-4 py-3">
            <p className="flex items-start gap-2">
              <RadioTower aria-hidden className="mt-0.5 size-4 shrink-0 text-accent" />
              <span className="min-w-0 break-words">
                <strong>{mesh.name}</strong> · {t('friends.here')} <Prose text={reachableWords(t, mesh.reachable)} />
              </span>
            </p>
            {mesh.is_relay && (
              <p className="flex items-start gap-2">
                <Waypoints aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" />
                <span>
                  {t('friends.relays')} {isFar(mesh) || <span className="text-wait">{t('friends.relays.near')}</span>}
                </span>
              </p>
            )}
            <details>
              <summary className="text-muted">{t('friends.how')}</summary>
              <div className="grid gap-x-8 gap-y-5 pt-3 pb-1 lg:grid-cols-2">
                <ReachForm own={own} mesh={mesh} />
                <div className="flex min-w-0 flex-col gap-4">
                  <Addresses title={t('friends.listens')} none={t('friends.listens.none')} all={mesh.listens} />
                  <Addresses title={t('friends.external')} none={t('friends.external.none')} all={mesh.external} />
                </div>
              </div>
            </details>
          </div>
        )}
      </MeshReady>
    </Panel>
  );
}

/** Whether others can come to it from anywhere without going through somebody else. */
function isFar({ reachable }: Mesh): boolean {
  const kind = readReach(reachable)?.kind;
  return kind === 'anywhere' || kind === 'untried';
}

type AddressesProps = { readonly title: string; readonly none: string; readonly all: readonly string[] };

function Addresses({ title, none, all }: AddressesProps) {
  const t = useMessages();
  return (
    <div>
      <h2>{title}</h2>
      {all.length === 0 ? (
        <p className="text-muted">{none}</p>
      ) : (
        <ul>
          {all.map((address) => (
            <li key={address}>
              <CopyLine text={address} label={t('friends.address.copy', { address })} isWrapped />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
