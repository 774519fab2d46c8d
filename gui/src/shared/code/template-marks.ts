//! Colours for `{{ … }}` in texts: what stands between the braces is JavaScript.
import { javascriptLanguage } from '@codemirror/lang-javascript';
import { RangeSetBuilder } from '@codemirror/state';
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view';
import { highlightTree } from '@lezer/highlight';
import { piecesOf } from './template';
import { highlightStyle } from './theme';

const whole = Decoration.mark({ class: 'cm-expression' });
const open = Decoration.mark({ class: 'cm-expression cm-expression-open' });
const brace = Decoration.mark({ class: 'cm-expression-brace' });
/** Longer texts are drawn plain: config texts are short, and their whole is read at every letter. */
const TEXT_CHARS_MAX = 100_000;

type Mark = { from: number; to: number; decoration: Decoration };

/** The marks of a text. Without `{{` a text that is code as a whole is coloured as a whole. */
function marksOf(text: string, isCode: boolean): Mark[] {
  if (text.length > TEXT_CHARS_MAX) return [];
  const marks: Mark[] = [];
  const code = (from: number, to: number) => {
    const tree = javascriptLanguage.parser.parse(text.slice(from, to));
    highlightTree(tree, highlightStyle, (start, end, classes) => {
      marks.push({ from: from + start, to: from + end, decoration: Decoration.mark({ class: classes }) });
    });
  };
  if (isCode && !text.includes('{{')) {
    code(0, text.length);
    return marks;
  }
  for (const piece of piecesOf(text)) {
    if (piece.kind === 'text') continue;
    const { from, to, isClosed } = piece;
    const end = isClosed ? to - 2 : to;
    marks.push({ from, to, decoration: isClosed ? whole : open });
    marks.push({ from, to: from + 2, decoration: brace });
    code(from + 2, end);
    if (isClosed) marks.push({ from: end, to, decoration: brace });
  }
  return marks;
}

function decorations(view: EditorView, isCode: boolean): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const marks = marksOf(view.state.doc.toString(), isCode).filter((mark) => mark.to > mark.from);
  marks.sort((a, b) => a.from - b.from || b.to - a.to);
  for (const mark of marks) builder.add(mark.from, mark.to, mark.decoration);
  return builder.finish();
}

/** Marks expressions in the text; `isCode` for fields that take an expression without braces too. */
export const templateMarks = (isCode: boolean) =>
  ViewPlugin.fromClass(
    class {
      marks: DecorationSet;
      constructor(view: EditorView) {
        this.marks = decorations(view, isCode);
      }
      update(update: ViewUpdate) {
        if (update.docChanged) this.marks = decorations(update.view, isCode);
      }
    },
    { decorations: (plugin) => plugin.marks },
  );
