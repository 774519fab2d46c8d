//! An editor over a text that may change under it. No React here; `code-editor.tsx` puts it on the page.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab, isolateHistory } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Annotation, Compartment, EditorState, type Extension, Prec, Transaction } from '@codemirror/state';
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view';
import { spliceBetween, type TextBinding } from './binding';
import { completionSource, type Reading } from './complete';
import { type DraggedField, draggedField } from './drag';
import { type Landing, landInCode, landInCondition, landInTemplate } from './drop';
import { GO_TO, type GoTo } from './go-to';
import type { Known } from './known';
import { languageOf } from './languages';
import { PUT_IN, placed } from './put-in';
import { templateMarks } from './template-marks';
import { theme } from './theme';

export type EditorOptions = {
  readonly parent: HTMLElement;
  readonly binding: TextBinding;
  readonly reading: Reading;
  readonly language: string;
  /** Enter ends the editing of a field of one line. */
  readonly isOneLine: boolean;
  readonly canEdit: boolean;
  readonly placeholder?: string | undefined;
  readonly known: () => Known;
  /** For screen readers. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly onFocus: (isFocused: boolean) => void;
  /** Esc, when nothing in the editor is open; true when it was used. */
  readonly onEscape: () => boolean;
};

export interface Editor {
  readonly view: EditorView;
  setCanEdit(canEdit: boolean): void;
  setAttributes(attributes: Readonly<Record<string, string>>): void;
  close(): void;
}

/** Marks what came from the binding, so that it is not sent back to it. */
const fromOutside = Annotation.define<boolean>();

const oneLine = EditorState.transactionFilter.of((transaction) =>
  transaction.newDoc.lines > 1 ? [transaction, { changes: flatten(transaction), sequential: true }] : transaction,
);

/** Line ends that were pasted into a field of one line become blanks. */
function flatten(transaction: Transaction) {
  const text = transaction.newDoc.toString();
  return [...text.matchAll(/\r?\n/g)].map((found) => ({
    from: found.index,
    to: found.index + found[0].length,
    insert: ' ',
  }));
}

function landing(reading: Reading, language: string, text: string, at: number, { path, step }: DraggedField): Landing {
  if (reading === 'condition') return landInCondition(text, at, path, step);
  if (reading === 'template') return landInTemplate(text, at, path, step);
  // Scripts in other languages have names of their own for the items; the field's name is what is the same in all.
  if (language !== 'javascript') return { at, insert: String(path.at(-1) ?? '') };
  return landInCode(text, at, path, step);
}

/** Fields of data that are dropped become code where they fall. */
const drops = (reading: Reading, language: string) =>
  EditorView.domEventHandlers({
    drop(event, view) {
      const field = draggedField(event.dataTransfer);
      if (!field) return false;
      event.preventDefault();
      const at = view.posAtCoords({ x: event.clientX, y: event.clientY }) ?? view.state.doc.length;
      const text = view.state.doc.toString();
      const { at: from, insert } = landing(reading, language, text, at, field);
      view.dispatch({
        changes: { from, insert },
        selection: { anchor: from + insert.length },
        userEvent: 'input.drop',
      });
      view.focus();
      return true;
    },
  });

/** Goes where somebody else says. */
const goingTo = EditorView.domEventHandlers({
  [GO_TO](event: Event, view) {
    const where = (event as CustomEvent<GoTo>).detail;
    const { doc } = view.state;
    if ('at' in where) {
      view.dispatch({ selection: { anchor: Math.min(where.at, doc.length) } });
      return true;
    }
    const line = doc.line(Math.min(Math.max(1, where.line), doc.lines));
    view.dispatch({
      selection: { anchor: line.from, head: line.to },
      effects: EditorView.scrollIntoView(line.from, { y: 'center' }),
    });
    return true;
  },
});

/** Takes code as a whole: one edit, which the cursor stands behind. */
const puttingIn = EditorView.domEventHandlers({
  [PUT_IN](event: Event, view) {
    const { state } = view;
    if (state.readOnly) return true;
    const code = (event as CustomEvent<string>).detail;
    const { from, to, insert, start, end } = placed(state.doc.toString(), state.selection.main.head, code);
    view.dispatch({
      changes: { from, to, insert },
      selection: { anchor: start, head: end },
      effects: EditorView.scrollIntoView(start, { y: 'nearest' }),
      annotations: isolateHistory.of('full'),
      userEvent: 'input.complete',
    });
    view.focus();
    return true;
  },
});

function features(options: EditorOptions): Extension {
  const isScript = options.reading === 'script' || (options.reading === 'plain' && !options.isOneLine);
  const source = completionSource(options.reading, options.language, options.known);
  return [
    history(),
    drawSelection(),
    dropCursor(),
    crosshairCursor(),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ override: [source], icons: false, activateOnTyping: true }),
    options.reading === 'template' || options.reading === 'condition'
      ? [templateMarks(options.reading === 'condition'), EditorView.lineWrapping]
      : [],
    isScript ? [indentOnInput(), highlightActiveLine(), highlightSelectionMatches()] : [],
    options.reading === 'script' ? [lineNumbers(), indentUnit.of(options.language === 'python' ? '    ' : '  ')] : [],
    options.reading === 'plain' ? EditorView.lineWrapping : [],
    options.isOneLine ? oneLine : [],
    Prec.lowest(keymap.of([{ key: 'Escape', run: options.onEscape }])),
    keymap.of([
      ...closeBracketsKeymap,
      ...(options.isOneLine ? [{ key: 'Enter', run: () => true }] : []),
      // The page's own keys go first: running the workflow, moving elements of lists.
      ...defaultKeymap.filter(({ key }) => key !== 'Mod-Enter' && !(options.isOneLine && key?.startsWith('Alt-Arrow'))),
      ...(options.isOneLine ? [] : searchKeymap),
      ...historyKeymap,
      ...completionKeymap,
      indentWithTab,
    ]),
    drops(options.reading, options.language),
    goingTo,
    puttingIn,
    theme,
  ];
}

/** Opens an editor in `parent` over `binding`. What others write comes in outside of the local history. */
export function openEditor(options: EditorOptions): Editor {
  const { binding } = options;
  const language = new Compartment();
  const editable = new Compartment();
  const attributes = new Compartment();
  // Between the splices of one change the two texts differ.
  let isSending = false;
  const editing = (can: boolean) => [EditorState.readOnly.of(!can)];
  const state = EditorState.create({
    doc: binding.read(),
    extensions: [
      // Completion's Enter goes before the field's.
      Prec.highest(keymap.of(completionKeymap)),
      features(options),
      language.of([]),
      editable.of(editing(options.canEdit)),
      attributes.of(EditorView.contentAttributes.of(options.attributes)),
      options.placeholder ? placeholder(options.placeholder) : [],
      EditorView.updateListener.of((update) => {
        if (update.focusChanged) options.onFocus(update.view.hasFocus);
        if (!update.docChanged || update.transactions.some((it) => it.annotation(fromOutside))) return;
        // Later places first, so that earlier ones stay where they are.
        const splices: [number, number, string][] = [];
        update.changes.iterChanges((fromA, toA, _, __, inserted) => {
          splices.unshift([fromA, toA - fromA, inserted.toString()]);
        });
        isSending = true;
        for (const splice of splices) binding.splice(...splice);
        isSending = false;
        pull();
      }),
    ],
  });
  const view = new EditorView({ state, parent: options.parent });
  // Tab moves on, as everywhere on the page; Ctrl-m makes it indent.
  view.setTabFocusMode(true);
  let isOpen = true;
  if (options.reading === 'script' || options.reading === 'plain') {
    void languageOf(options.language).then((it) => isOpen && view.dispatch({ effects: language.reconfigure(it) }));
  }
  const pull = () => {
    if (isSending) return;
    const splice = spliceBetween(view.state.doc.toString(), binding.read());
    if (!splice) return;
    const { at, deleted, inserted } = splice;
    view.dispatch({
      changes: { from: at, to: at + deleted, insert: inserted },
      annotations: [fromOutside.of(true), Transaction.addToHistory.of(false)],
    });
  };
  const stop = binding.subscribe(pull);
  return {
    view,
    setCanEdit: (can) => view.dispatch({ effects: editable.reconfigure(editing(can)) }),
    setAttributes: (next) => view.dispatch({ effects: attributes.reconfigure(EditorView.contentAttributes.of(next)) }),
    close: () => {
      isOpen = false;
      stop();
      view.destroy();
    },
  };
}
