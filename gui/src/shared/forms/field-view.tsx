import { X } from 'lucide-react';
import { type DragEvent, type ReactNode, useId, useState } from 'react';
import { carriesField, draggedField } from '../code/drag';
import { useMessages } from '../i18n/messages';
import { IconButton } from '../ui/button';
import { Prose } from '../ui/prose';
import { Conflict } from './conflict';
import { EDITORS } from './editors';
import { ExpressionEditor } from './expression';
import { inserted } from './insert';
import { useKeptFocus } from './kept-focus';
import { useNames } from './names';
import { isTemplate, Preview } from './preview';
import type { Field } from './schema';
import { firstValue } from './schema';
import { type Path, pointerOf, type Said, useForm } from './target';

type FieldViewProps = {
  readonly field: Field;
  readonly path: Path;
  readonly value: unknown;
  /** Without its own heading: elements of lists, values of maps. `name` is what screen readers say instead. */
  readonly name?: string;
  /** Stands at the end of the heading, such as a button that removes it. */
  readonly tools?: ReactNode;
};

const GROUPS: ReadonlySet<Field['kind']> = new Set(['object', 'list', 'map', 'union', 'boolean']);
const NOTHING: readonly Said[] = [];

/** Whether a field can be switched to an expression. Texts of several lines are templates all the time. */
const canSwitch = (field: Field): boolean =>
  field.takesExpression && field.kind !== 'condition' && field.kind !== 'code' && !isAlwaysTemplate(field);
const isAlwaysTemplate = (field: Field): boolean => field.kind === 'text' && field.takesExpression && field.rows > 1;

/** One field: its name, its editor, what is wrong with it, and what its expression gives. */
export function FieldView({ field, path, value, name, tools }: FieldViewProps) {
  const t = useMessages();
  const { target, canEdit, said, writers } = useForm();
  const id = useId();
  const [wantsExpression, setWantsExpression] = useState(false);
  const [isOver, setIsOver] = useState(false);
  const at = pointerOf(path);
  const problems = said.get(at) ?? NOTHING;
  const isBad = problems.some((it) => it.severity === 'error');
  const { fieldName } = useNames();
  const title = fieldName(field);
  const label = name ?? title;
  const isFx = canSwitch(field) && (isTemplate(value) || wantsExpression);
  // Whoever empties an expression is still writing one.
  if (isFx && !wantsExpression) setWantsExpression(true);
  const kept = useKeptFocus(isFx);
  // What does not even read is told once, below the field.
  const hasPreview = (isFx || isAlwaysTemplate(field)) && isTemplate(value) && !isBad;
  const isCondition = field.kind === 'condition' && typeof value === 'string' && value.trim() !== '' && !isBad;
  const describedBy =
    [field.docs && name === undefined && `${id}-docs`, problems.length > 0 && `${id}-said`, hasPreview && `${id}-gives`]
      .filter(Boolean)
      .join(' ') || undefined;
  const editor = { path, value, id, label, describedBy, isBad };
  const toFixed = () => {
    setWantsExpression(false);
    if (isTemplate(value)) target.set(path, field.isRequired || name !== undefined ? firstValue(field) : undefined);
  };
  const drop = (event: DragEvent) => {
    setIsOver(false);
    const dragged = event.defaultPrevented ? undefined : draggedField(event.dataTransfer);
    if (!dragged || !takesDrop) return;
    event.preventDefault();
    event.stopPropagation();
    target.set(path, inserted(field, value, dragged.path, dragged.step));
  };
  const takesDrop =
    canEdit &&
    (field.takesExpression || field.kind === 'condition' || (field.kind === 'text' && field.suggest === 'field')) &&
    !GROUPS.has(field.kind);
  const isGroup = GROUPS.has(field.kind) && !isFx;
  const heading = `${id}-name`;
  const isAbove = isGroup || field.kind === 'choice';
  const marks = (
    <>
      <Conflict path={path} />
      {(writers.get(at) ?? []).map((writer) => (
        <span
          key={writer.id}
          title={t('form.writes', { name: writer.name })}
          className="max-w-32 truncate rounded-full border-2 px-1.5 text-meta"
          style={{ borderColor: writer.colour }}
        >
          {writer.name}
        </span>
      ))}
    </>
  );
  const fx = canSwitch(field) && (
    <button
      type="button"
      aria-pressed={isFx}
      aria-label={t('form.fx', { name: label })}
      title={isFx ? t('form.fx.off') : t('form.fx.on')}
      disabled={!canEdit}
      onClick={() => (isFx ? toFixed() : setWantsExpression(true))}
      className={`rounded-control border border-line px-1.5 font-mono text-meta text-muted hover:bg-raised aria-pressed:border-pin aria-pressed:text-pin pointer-coarse:min-h-11 pointer-coarse:px-3 ${name === undefined ? 'min-h-6' : 'min-h-8'}`}
    >
      fx
    </button>
  );
  const docs = field.docs && name === undefined && (
    <p id={`${id}-docs`} className="text-meta text-muted">
      <Prose text={field.docs} />
    </p>
  );
  const editing = isFx ? (
    <ExpressionEditor field={field} path={path} id={id} label={label} describedBy={describedBy} isBad={isBad} />
  ) : (
    <Dispatch field={field} {...editor} />
  );
  const named = !isGroup
    ? {}
    : name === undefined
      ? { role: 'group', 'aria-labelledby': heading }
      : { role: 'group', 'aria-label': name };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only listens to what happens inside.
    <div
      {...named}
      ref={kept.frame}
      data-field={at}
      onInputCapture={kept.onInputCapture}
      className={`flex min-w-0 flex-col gap-1 rounded-control ${isOver ? 'outline-2 outline-offset-4 outline-pin' : ''}`}
      onFocus={(event) => {
        if (GROUPS.has(field.kind) && field.kind !== 'boolean') return;
        event.stopPropagation();
        if (canSwitch(field)) kept.prepare();
        target.entered(path);
      }}
      onDragOver={(event) => {
        if (!takesDrop || !carriesField(event.dataTransfer)) return;
        event.preventDefault();
        event.stopPropagation();
        event.dataTransfer.dropEffect = 'copy';
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={drop}
    >
      {name === undefined && (
        <div className="flex min-h-6 flex-wrap items-center gap-x-2">
          {isGroup ? (
            <span id={heading} className="font-semibold">
              {title}
            </span>
          ) : (
            <label id={heading} htmlFor={id} className="font-semibold">
              {title}
            </label>
          )}
          {field.isRequired && <span className="text-meta text-muted">{t('form.required')}</span>}
          {marks}
          <span className="flex-1" />
          {fx}
          {tools}
        </div>
      )}
      {isAbove && docs}
      {name === undefined ? (
        editing
      ) : (
        <div className="flex min-w-0 items-start gap-1">
          <div className="min-w-0 flex-1">{editing}</div>
          {marks}
          {fx}
          {tools}
        </div>
      )}
      {hasPreview && <Preview text={value} id={`${id}-gives`} />}
      {isCondition && !isFx && <Preview text={isTemplate(value) ? value : `{{ ${value} }}`} id={`${id}-gives`} />}
      {!isAbove && docs}
      {problems.length > 0 && (
        <ul id={`${id}-said`} className="text-meta">
          {problems.map((it, index) => (
            <li key={index} className={it.severity === 'error' ? 'text-fail' : 'text-wait'}>
              <Prose text={it.text} />
              {it.hint && (
                <span className="block text-muted">
                  <Prose text={it.hint} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

type DispatchProps = Omit<Parameters<(typeof EDITORS)['any']>[0], 'field'> & { readonly field: Field };

/** The editor of a field's kind. */
function Dispatch({ field, ...rest }: DispatchProps) {
  const Editor = EDITORS[field.kind] as (props: DispatchProps) => ReactNode;
  return <Editor field={field} {...rest} />;
}

/** Takes an option away again. */
export function RemoveOption({ name, onRemove }: { readonly name: string; readonly onRemove: () => void }) {
  const t = useMessages();
  const { canEdit } = useForm();
  return (
    <IconButton label={t('form.remove_option', { name })} disabled={!canEdit} className="size-6!" onClick={onRemove}>
      <X aria-hidden className="size-3.5" />
    </IconButton>
  );
}
