import { Workflow } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [
  {
    path: '/workflows',
    nav: { label: 'nav.workflows', icon: Workflow, order: 15, onPhone: true },
    load: () => import('./workflows-page'),
  },
];
