import { useQuery } from '@tanstack/react-query';
import { Handshake } from 'lucide-react';
import { nodeQuery } from '@/shared/api/requests/node';
import { requestsQuery } from '@/shared/api/requests/requests';
import type { Page } from '@/shared/ui/page-entry';

/** How often it is looked, on whatever page, whether a friend asks for something. */
const ASKED_MS = 30_000;

/** How many things friends ask for, once the part of the node that knows it is there. */
function useAsked(): number {
  const isThere = useQuery(nodeQuery).data?.roles.some((it) => it.role === 'mesh' && it.ready) === true;
  return useQuery({ ...requestsQuery, enabled: isThere, refetchInterval: ASKED_MS }).data?.length ?? 0;
}

export const pages: readonly Page[] = [
  {
    path: '/lending',
    nav: { label: 'nav.lending', icon: Handshake, order: 52, useBadge: useAsked },
    load: () => import('./lending-page'),
  },
];
