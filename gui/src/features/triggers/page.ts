import { Zap } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [
  { path: '/triggers', nav: { label: 'nav.triggers', icon: Zap, order: 40 }, load: () => import('./triggers-page') },
];
