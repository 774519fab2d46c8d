import { Settings } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [
  {
    path: '/settings',
    nav: { label: 'nav.settings', icon: Settings, order: 90 },
    load: () => import('./settings-page'),
  },
];
