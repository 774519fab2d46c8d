import { Blocks } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

const load = () => import('./components-page');

export const pages: readonly Page[] = [
  { path: '/components', nav: { label: 'nav.components', icon: Blocks, order: 60 }, load },
  { path: '/components/$name', load },
];
