//! Completions in editors, from what is known at the step.
import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete';
import { completionsAt, fieldsInScript, type Known, type Option, type Options } from './known';
import { expressionAt, hasExpression } from './template';

/** How a text is read: with expressions in braces, as one expression (braces or not), or as a script in a language. */
export type Reading = 'template' | 'condition' | 'script' | 'plain';

const WORD = /^[\w$]*$/;

/** Whether a word stands there whole already and nothing that is offered goes on from it: then there is nothing to choose. */
export function isWhole(typed: string, options: readonly Option[]): boolean {
  const going = options.filter(({ label }) => label.toLowerCase().startsWith(typed.toLowerCase()));
  return going.length === 1 && going[0]?.label === typed && (going[0].apply ?? typed) === typed;
}

function found(options: Options, base: number, context: CompletionContext): CompletionResult | null {
  const from = base + options.from;
  if (!context.explicit && isWhole(context.state.sliceDoc(from, context.pos), options.options)) return null;
  return {
    from,
    options: options.options.map(completionOf),
    validFor: (typed) => WORD.test(typed) && !isWhole(typed, options.options),
  };
}

function completionOf(option: Option, at: number): Completion {
  const { label, detail, kind, apply } = option;
  return {
    label,
    detail,
    type: kind,
    // Fields stand in the order of the data, before methods.
    boost: kind === 'property' ? 20 - Math.min(at, 19) : 0,
    apply: apply?.startsWith('[')
      ? (view, _, from, to) => {
          const dot = view.state.sliceDoc(from - 1, from) === '.' ? from - 1 : from;
          view.dispatch({ changes: { from: dot, to, insert: apply }, selection: { anchor: dot + apply.length } });
        }
      : apply,
  };
}

/** A source of completions; `known` is asked at every use, so it may change without a new editor. */
export function completionSource(reading: Reading, language: string, known: () => Known): CompletionSource {
  return (context: CompletionContext) => {
    const { pos, state } = context;
    if (reading === 'plain') return null;
    if (reading === 'script') {
      const line = state.doc.lineAt(pos);
      const fields = fieldsInScript(language, line.text, pos - line.from, known());
      if (fields) return found(fields, line.from, context);
      if (language !== 'javascript' || !context.matchBefore(/\$[\w$.'"()[\]]*$/)) return null;
      const options = completionsAt(line.text, pos - line.from, known());
      return options ? found(options, line.from, context) : null;
    }
    const text = state.doc.toString();
    const isCode = reading === 'condition' && !hasExpression(text);
    const inside = isCode ? { code: text, from: 0 } : expressionAt(text, pos);
    if (inside) {
      const options = completionsAt(inside.code, pos - inside.from, known());
      const isBare = options?.from === pos - inside.from && !/[.$'"]$/.test(inside.code.slice(0, pos - inside.from));
      if (!options || (isBare && !context.explicit && inside.code.trim() !== '')) return null;
      return found(options, inside.from, context);
    }
    // A name that is begun outside of braces becomes an expression.
    const word = context.matchBefore(/\$[\w$]*$/);
    if (!word) return null;
    const options = completionsAt(word.text, word.text.length, known());
    if (!options) return null;
    const result = found(options, word.from, context);
    if (!result) return null;
    return {
      ...result,
      options: options.options.map((option) => ({
        ...completionOf(option, 0),
        apply: (view, _, from, to) => {
          const name = option.apply ?? option.label;
          const insert = `{{ ${name} }}`;
          view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + 3 + name.length } });
        },
      })),
    };
  };
}
