import { House } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [
  { path: '/', nav: { label: 'nav.home', icon: House, order: 10, onPhone: true }, load: () => import('./home-page') },
];
