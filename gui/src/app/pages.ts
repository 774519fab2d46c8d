//! All pages: every `features/*/page.ts`. Adding a page is adding its folder.
import type { Page } from '@/shared/ui/page-entry';

const found = import.meta.glob<readonly Page[]>('../features/*/page.ts', { eager: true, import: 'pages' });

export const pages: readonly Page[] = Object.values(found).flat();

export type NavPage = Page & { readonly nav: NonNullable<Page['nav']> };

export const navPages: readonly NavPage[] = pages
  .filter((page): page is NavPage => page.nav !== undefined)
  .sort((one, other) => one.nav.order - other.nav.order);
