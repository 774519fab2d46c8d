import { Activity } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [
  {
    path: '/runs',
    nav: { label: 'nav.runs', icon: Activity, order: 20, onPhone: true },
    load: () => import('./runs-page'),
  },
];
