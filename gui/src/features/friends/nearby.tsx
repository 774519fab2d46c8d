import { useQuery } from '@tanstack/react-query';
import { nearbyQuery } from '@/shared/api/requests/nearby';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Panel } from '@/shared/ui/page';

/** Nodes that announce themselves on this network. Seeing one is no friendship: it takes an invitation. */
export function Nearby({ onJoin }: { readonly onJoin: () => void }) {
  const t = useMessages();
  const nearby = useQuery(nearbyQuery);
  if (!nearby.data || nearby.isError) return null;
  return (
    <Panel title={t('friends.nearby')}>
      {nearby.data.length === 0 ? (
        <p className="px-4 py-3 text-muted">{t('friends.nearby.none')}</p>
      ) : (
        <>
          <p className="px-4 pt-3 text-muted">{t('friends.nearby.hint')}</p>
          <ul>
            {nearby.data.map((it) => (
              <li
                key={it.node}
                className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2 last:border-b-0"
              >
                <div className="min-w-0 flex-1 basis-60">
                  <p>{t('friends.nearby.one', { id: it.node.slice(-6) })}</p>
                  <details>
                    <summary className="text-meta text-muted">{t('mesh.details')}</summary>
                    <code className="block font-mono text-meta break-all">{it.node}</code>
                    {it.addresses.map((address) => (
                      <code key={address} className="block font-mono text-meta break-all">
                        {address}
                      </code>
                    ))}
                  </details>
                </div>
                <Button needs="admin" onClick={onJoin}>
                  {t('friends.join')}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}
