import { useQuery } from '@tanstack/react-query';
import { UserCheck } from 'lucide-react';
import { approvalsQuery } from '@/shared/api/requests/approvals';
import type { Page } from '@/shared/ui/page-entry';

const useWaiting = (): number => useQuery(approvalsQuery).data?.approvals.length ?? 0;

export const pages: readonly Page[] = [
  {
    path: '/approvals',
    nav: { label: 'nav.approvals', icon: UserCheck, order: 30, onPhone: true, useBadge: useWaiting },
    load: () => import('./approvals-page'),
  },
];
