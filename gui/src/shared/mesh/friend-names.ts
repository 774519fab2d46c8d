import { useQuery } from '@tanstack/react-query';
import { nodeQuery } from '../api/requests/node';
import { peersQuery } from '../api/requests/peers';
import { useMessages } from '../i18n/messages';

/** What a node is called here. One that is no friend any more goes by the end of its id. */
export function useFriendNames(): (node: string) => string {
  const t = useMessages();
  const peers = useQuery(peersQuery).data;
  const own = useQuery(nodeQuery).data?.id;
  return (node) =>
    node === own
      ? t('mesh.this_node')
      : (peers?.find((it) => it.node === node)?.name ?? t('mesh.former', { id: node.slice(-6) }));
}
