import { Users } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [
  { path: '/friends', nav: { label: 'nav.friends', icon: Users, order: 50 }, load: () => import('./friends-page') },
];
