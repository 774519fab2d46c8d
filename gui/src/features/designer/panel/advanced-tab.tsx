import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { secretsQuery } from '@/shared/api/requests/secrets';
import type { Step } from '@/shared/api/types';
import { CodeEditor } from '@/shared/code/code-editor';
import { setSecrets, setStepOption } from '@/shared/document/edits/config';
import { useCanEdit } from '@/shared/document/use-editor';
import { FieldsView } from '@/shared/forms/form-view';
import { plainTarget, usePlainWorld } from '@/shared/forms/plain-world';
import { FormContext, type Path } from '@/shared/forms/target';
import { useMessages } from '@/shared/i18n/messages';
import { NewSecret } from '@/shared/secrets/new-secret';
import { Button } from '@/shared/ui/button';
import { Problem } from '@/shared/ui/states';
import { useDesigner } from '../context';
import { advancedForm, RETRY_FIRST, retryForm } from './advanced-form';
import { type Card, presentAt, settle, stepOf, textAt } from './card-of';

type OptionName = Parameters<typeof setStepOption>[1];
const NOTHING = {};

/** Retry, time limit, errors, crashes, secrets, and a remark. */
export function AdvancedTab({ card }: { readonly card: Card }) {
  const t = useMessages();
  const step = stepOf(card);
  return (
    <section
      aria-label={t('panel.tab.advanced')}
      tabIndex={0}
      className="scroll-thin flex h-full flex-col gap-5 overflow-y-auto p-4 focus-visible:-outline-offset-2"
    >
      {step && <Options id={card.id} step={step} />}
      {step && <Secrets id={card.id} granted={step.secrets ?? []} />}
      <Remark card={card} />
    </section>
  );
}

function Options({ id, step }: { readonly id: string; readonly step: Step }) {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  const form = useMemo(() => advancedForm(t), [t]);
  const retry = useMemo(() => retryForm(t), [t]);
  const targets = useMemo(() => {
    const read = (path: Path) => presentAt(editor.snapshot().preset, ['steps', id, ...path]);
    const conflicts = (path: Path) => editor.conflicts(['steps', id, ...path]);
    const choose = (path: Path, value: unknown) =>
      editor.apply('panel.edit.advanced', settle(['steps', id, ...path], value));
    const set = (path: Path, value: unknown) => {
      const [name] = path;
      editor.apply('panel.edit.advanced', setStepOption(id, name as OptionName, value), `${id} ${name}`);
    };
    const setRetry = (path: Path, value: unknown) => {
      const now = (read(['retry']) ?? RETRY_FIRST) as Record<string, unknown>;
      const key = String(path[0]);
      const next = { ...now, [key]: value ?? RETRY_FIRST[key as keyof typeof RETRY_FIRST] };
      editor.apply('panel.edit.advanced', setStepOption(id, 'retry', next), `${id} retry`);
    };
    return {
      options: plainTarget(set, conflicts, choose, read),
      retry: plainTarget(
        setRetry,
        (path) => conflicts(['retry', ...path]),
        (path, value) => choose(['retry', ...path], value),
        (path) => read(['retry', ...path]),
      ),
    };
  }, [editor, id]);
  const world = usePlainWorld(targets.options, canEdit, form, step);
  const again = step.retry ?? undefined;
  const retryWorld = usePlainWorld(targets.retry, canEdit, retry, again ?? NOTHING);
  return (
    <>
      <FormContext value={world}>
        <FieldsView fields={form.fields} path={[]} value={pick(step)} />
      </FormContext>
      <div role="group" aria-label={t('panel.adv.retry')} className="flex flex-col gap-2">
        <div className="flex flex-wrap items-center gap-2">
          <span className="flex-1 font-semibold">{t('panel.adv.retry')}</span>
          <Button
            disabled={!canEdit}
            onClick={() =>
              editor.apply('panel.edit.advanced', setStepOption(id, 'retry', again ? undefined : { ...RETRY_FIRST }))
            }
          >
            {again ? t('panel.adv.retry.off') : t('panel.adv.retry.on')}
          </Button>
        </div>
        <p className="text-meta text-muted">{t('panel.adv.retry.docs')}</p>
        {again && (
          <div className="border-l-2 border-line pl-3">
            <FormContext value={retryWorld}>
              <FieldsView fields={retry.fields} path={[]} value={again} />
            </FormContext>
          </div>
        )}
      </div>
    </>
  );
}

/** The options that the form knows, without those that say nothing. */
const pick = ({ on_error, on_crash, timeout_ms }: Step): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries({ on_error, on_crash, timeout_ms }).filter(([, value]) => value !== undefined && value !== null),
  );

function Secrets({ id, granted }: { readonly id: string; readonly granted: readonly string[] }) {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  const secrets = useQuery(secretsQuery);
  const [isNew, setIsNew] = useState(false);
  const names = [...new Set([...(secrets.data?.map((it) => it.name) ?? []), ...granted])].sort();
  const set = (next: readonly string[]) => editor.apply('panel.edit.secrets', setSecrets(id, next));
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="font-semibold">{t('panel.adv.secrets')}</legend>
      <p className="text-meta text-muted">{t('panel.adv.secrets.docs')}</p>
      {secrets.error ? <Problem error={secrets.error} /> : null}
      {names.length === 0 && secrets.data && <p className="text-muted">{t('panel.adv.secrets.none')}</p>}
      {names.map((name) => {
        const isThere = !secrets.data || secrets.data.some((it) => it.name === name);
        return (
          <label key={name} className="flex min-h-6 items-center gap-2 pointer-coarse:min-h-11">
            <input
              type="checkbox"
              className="accent-(--accent)"
              checked={granted.includes(name)}
              disabled={!canEdit}
              onChange={(event) =>
                set(event.target.checked ? [...granted, name] : granted.filter((other) => other !== name))
              }
            />
            <span className={`font-mono ${isThere ? '' : 'text-fail'}`}>
              {isThere ? name : t('form.secret.missing', { name })}
            </span>
          </label>
        );
      })}
      <Button className="self-start" disabled={!canEdit} onClick={() => setIsNew(true)}>
        {t('form.secret.new')}
      </Button>
      {isNew && (
        <NewSecret
          onClose={() => setIsNew(false)}
          onKept={(name) => {
            setIsNew(false);
            set([...granted, name]);
          }}
        />
      )}
    </fieldset>
  );
}

function Remark({ card: { id, of } }: { readonly card: Card }) {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  const binding = useMemo(() => textAt(editor, [of, id, 'note'], 'panel.edit.note'), [editor, of, id]);
  return (
    <div className="flex flex-col gap-1">
      <span className="font-semibold">{t('panel.adv.note')}</span>
      <CodeEditor
        label={t('panel.adv.note')}
        binding={binding}
        reading="plain"
        language="markdown"
        rows={3}
        canEdit={canEdit}
      />
      <p className="text-meta text-muted">{t('panel.adv.note.docs')}</p>
    </div>
  );
}
