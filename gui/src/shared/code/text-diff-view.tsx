import { unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { languageOf } from './languages';
import type { TextDiffProps } from './text-diff';
import { theme } from './theme';

const look = EditorView.theme({
  '.cm-changedLine': { backgroundColor: 'color-mix(in srgb, var(--ok) 12%, transparent) !important' },
  '.cm-changedText': { background: 'color-mix(in srgb, var(--ok) 30%, transparent) !important' },
  '.cm-deletedChunk': { backgroundColor: 'color-mix(in srgb, var(--fail) 10%, transparent)', padding: '0 10px' },
  '.cm-deletedText': { background: 'color-mix(in srgb, var(--fail) 28%, transparent) !important' },
  '.cm-collapsedLines': {
    background: 'var(--raised)',
    color: 'var(--muted)',
    padding: '2px 10px',
  },
});

/** Two texts as one, with what went and what came; `text-diff.tsx` loads it. */
export default function TextDiffView({ before, after, language, label }: TextDiffProps) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!host.current) return;
    let view: EditorView | undefined;
    let isWanted = true;
    const parent = host.current;
    void languageOf(language).then((grammar) => {
      if (!isWanted) return;
      view = new EditorView({
        parent,
        state: EditorState.create({
          doc: after,
          extensions: [
            lineNumbers(),
            EditorView.lineWrapping,
            EditorState.readOnly.of(true),
            EditorView.contentAttributes.of({ 'aria-label': label }),
            grammar,
            theme,
            look,
            unifiedMergeView({
              original: before,
              mergeControls: false,
              highlightChanges: true,
              gutter: true,
              collapseUnchanged: { margin: 2, minSize: 6 },
            }),
          ],
        }),
      });
    });
    return () => {
      isWanted = false;
      view?.destroy();
    };
  }, [before, after, language, label]);
  return <div ref={host} className="max-h-80 overflow-auto rounded-control border border-line" />;
}
