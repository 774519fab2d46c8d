import { ChevronDown, Sparkles } from 'lucide-react';
import { CodeEditor } from '../../code/code-editor';
import { putIn } from '../../code/put-in';
import { STARTS, type StartsOf, snippetsFor, startText } from '../../code/starts';
import { fieldsFor, type Mode, type Snippet } from '../../code/starts/start';
import { useMessages } from '../../i18n/messages';
import { Button } from '../../ui/button';
import { Menu } from '../../ui/menu';
import type { EditorProps } from '../editor-props';
import { type Path, useForm } from '../target';
import { useShared } from '../use-shared';

/** A script in its language, with something to begin with while it is empty. */
export function CodeFieldEditor({ field, path, value, id, label, describedBy, isBad }: EditorProps<'code'>) {
  const t = useMessages();
  const { target, canEdit, known } = useForm();
  const binding = useShared(path);
  const { starts: of } = field.hint;
  const mode: Mode = target.text(beside(path, 'mode')).read() === 'each' ? 'each' : 'all';
  const start =
    of &&
    startText(STARTS[of].start[mode], ({ about, names }) => t(`starts.about.${about}`, { ...NO_NAMES, ...names }));
  const isEmpty = typeof value !== 'string' || value.trim() === '';
  return (
    <>
      <CodeEditor
        id={id}
        label={label}
        describedBy={describedBy}
        isBad={isBad}
        binding={binding}
        reading="script"
        language={field.language}
        rows={12}
        canEdit={canEdit}
        known={known}
        placeholder={start}
      />
      {of && canEdit && (
        <div className="flex flex-wrap items-center gap-1">
          {isEmpty && start !== undefined && (
            <Button onClick={() => putSoon(id, start)}>
              <Sparkles aria-hidden className="size-4" />
              {t('starts.begin')}
            </Button>
          )}
          <Snippets of={of} mode={mode} path={path} id={id} />
        </div>
      )}
    </>
  );
}

const FRAMES_MAX = 300;

/** Puts code into the editor with this id, once its program is there. */
function putSoon(id: string, code: string, then?: () => void, frames = FRAMES_MAX): void {
  const text = document.getElementById(id);
  if (text?.matches('.cm-content')) {
    putIn(text, code);
    then?.();
  } else if (frames > 0) requestAnimationFrame(() => putSoon(id, code, then, frames - 1));
}

const NO_NAMES = { items: '', item: '', json: '', index: '' };
const beside = (path: Path, key: string): Path => [...path.slice(0, -1), key];

type SnippetsProps = { readonly of: StartsOf; readonly mode: Mode; readonly path: Path; readonly id: string };

/** Pieces of code that go in where the cursor is. They name fields of the data that came in. */
function Snippets({ of, mode, path, id }: SnippetsProps) {
  const t = useMessages();
  const { target, items } = useForm();
  const put = ({ code, output }: Snippet) => {
    putSoon(id, code(fieldsFor(items)), () => {
      const at = beside(path, 'outputs');
      const text = target.text(at).read();
      const outputs: unknown = text === '' ? [] : JSON.parse(text);
      if (output !== undefined && Array.isArray(outputs) && !outputs.includes(output))
        target.setWith(path, at, [...outputs, output]);
    });
  };
  return (
    <Menu
      label={t('starts.pieces')}
      trigger={
        <Button look="quiet" className="px-2!">
          {t('starts.pieces')}
          <ChevronDown aria-hidden className="size-4" />
        </Button>
      }
      items={snippetsFor(of, mode).map((snippet) => ({
        id: snippet.id,
        label: t(`starts.piece.${snippet.id}`),
        onSelect: () => put(snippet),
      }))}
    />
  );
}

/** One expression, with braces or without. */
export function ConditionEditor({ path, id, label, describedBy, isBad }: EditorProps<'condition'>) {
  const { canEdit, known } = useForm();
  const binding = useShared(path);
  return (
    <CodeEditor
      id={id}
      label={label}
      describedBy={describedBy}
      isBad={isBad}
      binding={binding}
      reading="condition"
      isOneLine
      canEdit={canEdit}
      known={known}
      placeholder="$json.amount > 100"
    />
  );
}
