import { Handshake } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [
  { path: '/lending', nav: { label: 'nav.lending', icon: Handshake, order: 52 }, load: () => import('./lending-page') },
];
