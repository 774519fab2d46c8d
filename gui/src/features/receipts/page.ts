import { ReceiptText } from 'lucide-react';
import type { Page } from '@/shared/ui/page-entry';

export const pages: readonly Page[] = [
  {
    path: '/receipts',
    nav: { label: 'nav.receipts', icon: ReceiptText, order: 54 },
    load: () => import('./receipts-page'),
  },
];
