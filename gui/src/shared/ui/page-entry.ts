//! What a page says about itself. A page is one folder in `features` with a `page.ts` that exports `pages`.
import type { LucideIcon } from 'lucide-react';
import type { ComponentType } from 'react';
import type { PlainKey } from '../i18n/messages';

export type Page = {
  /** Its address; parts with `$` are parameters. */
  readonly path: string;
  /** Where it stands in the rail; none for pages that others lead to. */
  readonly nav?: {
    readonly label: PlainKey;
    readonly icon: LucideIcon;
    readonly order: number;
    /** Whether it stands in the bar of a phone itself and not under More. */
    readonly onPhone?: boolean;
    /** A number beside it that wants attention. */
    readonly useBadge?: () => number;
  };
  readonly load: () => Promise<{ default: ComponentType }>;
};
