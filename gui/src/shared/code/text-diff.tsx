import { Suspense } from 'react';
import { lazily } from '@/shared/ui/lazily';
import { Loading } from '../ui/states';

const TextDiffView = lazily(() => import('./text-diff-view'));

export type TextDiffProps = {
  readonly before: string;
  readonly after: string;
  readonly language: string;
  /** What screen readers call it. */
  readonly label: string;
};

/** What went from a text and what came, line by line; its program is loaded when the first one is shown. */
export function TextDiff(props: TextDiffProps) {
  return (
    <Suspense fallback={<Loading lines={3} />}>
      <TextDiffView {...props} />
    </Suspense>
  );
}
