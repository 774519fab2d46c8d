import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [{ path: '/workflows/$preset', load: () => import('./designer-page') }];
