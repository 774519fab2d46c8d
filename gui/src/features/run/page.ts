import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [{ path: '/runs/$job', load: () => import('./run-page') }];
