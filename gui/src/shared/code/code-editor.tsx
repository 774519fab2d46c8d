import { Suspense } from 'react';
import { lazily } from '@/shared/ui/lazily';
import type { TextBinding } from './binding';
import type { Reading } from './complete';
import type { Known } from './known';

/** Loads the editor's program. */
export const loadCodeView = () => import('./code-view');
const CodeView = lazily(loadCodeView);

export type CodeEditorProps = {
  readonly binding: TextBinding;
  /** What screen readers call it, or the id of what names it. */
  readonly label: string;
  readonly reading: Reading;
  readonly language?: string;
  readonly isOneLine?: boolean;
  readonly canEdit?: boolean;
  readonly isBad?: boolean;
  readonly describedBy?: string | undefined;
  readonly id?: string | undefined;
  readonly placeholder?: string | undefined;
  readonly known?: Known;
  readonly rows?: number;
  /** Fills the height that it is given instead of growing with the text. */
  readonly isFilling?: boolean;
  readonly onFocus?: (isFocused: boolean) => void;
};

/** An editor for code and templates. Its program is loaded when the first one is shown; until then the text stands still. */
export function CodeEditor(props: CodeEditorProps) {
  const { isOneLine = false, rows = isOneLine ? 1 : 6, isFilling = false } = props;
  const waiting = (
    <pre
      className={`w-full overflow-hidden rounded-control border border-control bg-surface px-2.5 py-[5px] font-mono text-body ${isOneLine ? 'whitespace-pre-wrap' : ''} ${isFilling ? 'h-full' : ''}`}
      style={isFilling ? undefined : { minHeight: rows * 20 + 12 }}
    >
      {props.binding.read()}
    </pre>
  );
  return (
    <Suspense fallback={waiting}>
      <CodeView {...props} />
    </Suspense>
  );
}
