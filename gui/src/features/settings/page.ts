import { useQuery } from '@tanstack/react-query';
import { Settings } from 'lucide-react';
import { loginRequestsQuery } from '@/shared/api/requests/login-requests';
import type { Page } from '@/shared/ui/page-entry';

const useAsking = (): number => useQuery(loginRequestsQuery).data?.length ?? 0;

export const pages: readonly Page[] = [
  {
    path: '/settings',
    nav: { label: 'nav.settings', icon: Settings, order: 90, useBadge: useAsking },
    load: () => import('./settings-page'),
  },
];
