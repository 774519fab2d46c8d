import { useQuery } from '@tanstack/react-query';
import { Suspense, useId, useMemo, useState } from 'react';
import { presetsQuery } from '@/shared/api/requests/presets';
import { CodeEditor } from '@/shared/code/code-editor';
import { setName, setSettings, setText } from '@/shared/document/edits/config';
import { useCanEdit, useConflicts, useSnapshot } from '@/shared/document/use-editor';
import { placeKey } from '@/shared/document/values';
import { FieldsView } from '@/shared/forms/form-view';
import { plainTarget, usePlainWorld } from '@/shared/forms/plain-world';
import { formOf } from '@/shared/forms/schema';
import { FormContext, type Path } from '@/shared/forms/target';
import { useTyped } from '@/shared/forms/use-typed';
import { type Translate, useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Field, Input } from '@/shared/ui/field';
import { lazily } from '@/shared/ui/lazily';
import { useDesigner } from '../context';
import { presentAt, settle, textAt } from './card-of';
import { Variables } from './workflow-variables';

const Markdown = lazily(() => import('@/shared/ui/markdown'));
const NOTHING = {};

/** What the workflow is called and does, its variables, and how its runs are run and kept. Shown when no step is selected. */
export function WorkflowPanel() {
  const t = useMessages();
  return (
    <section
      aria-label={t('workflow.panel')}
      tabIndex={0}
      className="scroll-thin flex h-full flex-col gap-6 overflow-y-auto bg-surface p-4 focus-visible:-outline-offset-2"
    >
      <About />
      <Variables />
      <Settings />
    </section>
  );
}

function About() {
  const t = useMessages();
  const { editor, writing } = useDesigner();
  const canEdit = useCanEdit(editor);
  const { title, name, docs } = useSnapshot(editor, ({ preset }) => ({
    title: preset.title ?? '',
    name: preset.name,
    docs: preset.docs ?? '',
  }));
  const names = useConflicts(editor, NAME);
  const [isEditing, setIsEditing] = useState(false);
  const binding = useMemo(() => textAt(editor, ['docs'], 'panel.edit.docs'), [editor]);
  const [typed, type] = useTyped(title, (text) => editor.apply('panel.edit.title', setText(['title'], text), 'title'));
  const [draft, setDraft] = useState<string>();
  const wanted = draft ?? name;
  const isName = /^[a-z0-9-]{1,64}$/.test(wanted);
  return (
    <div className="flex flex-col gap-3">
      <Field label={t('workflow.title')}>
        {(ids) => (
          <Input
            {...ids}
            readOnly={!canEdit}
            value={typed}
            onFocus={() => writing(['title'])}
            onChange={(event) => type(event.target.value)}
          />
        )}
      </Field>
      <Field
        label={t('workflow.name')}
        hint={
          names.length > 1
            ? t('workflow.name.conflict', { names: names.map(String).join(', ') })
            : t('workflow.name.hint')
        }
        error={isName ? undefined : t('workflow.name.wrong')}
      >
        {(ids) => (
          <Input
            {...ids}
            readOnly={!canEdit}
            className="font-mono"
            value={wanted}
            spellCheck={false}
            onChange={(event) => setDraft(event.target.value)}
            onBlur={() => {
              if (isName && wanted !== name) editor.apply('panel.edit.settings', setName(wanted));
              setDraft(undefined);
            }}
          />
        )}
      </Field>
      <div className="flex flex-col gap-1">
        <div className="flex items-center gap-2">
          <span className="flex-1 font-semibold">{t('workflow.docs')}</span>
          <Button look="quiet" onClick={() => setIsEditing(!isEditing)} aria-pressed={isEditing}>
            {isEditing ? t('workflow.docs.read') : t('workflow.docs.write')}
          </Button>
        </div>
        {isEditing ? (
          <CodeEditor
            label={t('workflow.docs')}
            binding={binding}
            reading="plain"
            language="markdown"
            rows={8}
            canEdit={canEdit}
            onFocus={(isFocused) => writing(isFocused ? ['docs'] : undefined)}
          />
        ) : docs === '' ? (
          <p className="text-muted">{t('workflow.docs.none')}</p>
        ) : (
          <Suspense>
            <Markdown text={docs} />
          </Suspense>
        )}
      </div>
    </div>
  );
}

const NAME = ['name'] as const;

const settingsForm = (t: Translate) =>
  formOf('', {
    type: 'object',
    properties: {
      concurrency: {
        title: t('workflow.concurrency'),
        description: t('workflow.concurrency.docs'),
        type: ['integer', 'null'],
        minimum: 1,
      },
      timeout_ms: {
        title: t('workflow.timeout'),
        description: t('workflow.timeout.docs'),
        type: 'integer',
        minimum: 1,
      },
      priority: {
        title: t('workflow.priority'),
        description: t('workflow.priority.docs'),
        type: 'integer',
        minimum: -100,
        maximum: 100,
        default: 0,
      },
      retention: {
        title: t('workflow.retention'),
        description: t('workflow.retention.docs'),
        type: 'object',
        properties: {
          days: { title: t('workflow.retention.days'), type: 'integer', minimum: 0 },
          jobs: { title: t('workflow.retention.jobs'), type: 'integer', minimum: 0 },
        },
      },
    },
  });

function Settings() {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  const settings = useSnapshot(editor, ({ preset }) => preset.settings ?? NOTHING) as Readonly<Record<string, unknown>>;
  const form = useMemo(() => settingsForm(t), [t]);
  const target = useMemo(() => {
    const read = (path: Path) => presentAt(editor.snapshot().preset, ['settings', ...path]);
    return plainTarget(
      (path, value, isTyping) => {
        const [name, inner] = [String(path[0]), path[1]];
        const next =
          inner === undefined ? value : { ...(read([name]) as Record<string, unknown> | undefined), [inner]: value };
        editor.apply('panel.edit.settings', setSettings({ [name]: next }), isTyping ? placeKey(path) : undefined);
      },
      (path) => editor.conflicts(['settings', ...path]),
      (path, value) => editor.apply('panel.edit.settings', settle(['settings', ...path], value)),
      read,
    );
  }, [editor]);
  const world = usePlainWorld(target, canEdit, form, settings);
  const shown = Object.fromEntries(
    Object.entries(settings).filter(
      ([name, value]) => value !== null && value !== undefined && name !== 'error_preset',
    ),
  );
  return (
    <div role="group" aria-labelledby="workflow-settings" className="flex flex-col gap-4">
      <h3 id="workflow-settings" className="text-title">
        {t('workflow.settings')}
      </h3>
      <ErrorWorkflow value={typeof settings.error_preset === 'string' ? settings.error_preset : ''} />
      <FormContext value={world}>
        <FieldsView fields={form.fields} path={[]} value={shown} />
      </FormContext>
    </div>
  );
}

function ErrorWorkflow({ value }: { readonly value: string }) {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  const presets = useQuery(presetsQuery);
  const list = useId();
  const [text, type] = useTyped(value, (next) =>
    editor.apply('panel.edit.settings', setSettings({ error_preset: next.trim() || undefined }), 'error_preset'),
  );
  const isKnown = text === '' || !presets.data || presets.data.some((it) => it.name === text.trim());
  return (
    <Field
      label={t('workflow.error')}
      hint={t('workflow.error.docs')}
      error={isKnown ? undefined : t('workflow.error.unknown', { name: text.trim() })}
    >
      {(ids) => (
        <>
          <Input
            {...ids}
            list={list}
            readOnly={!canEdit}
            value={text}
            placeholder={t('form.none')}
            autoComplete="off"
            onChange={(event) => type(event.target.value)}
          />
          <datalist id={list}>
            {presets.data?.map((it) => (
              <option key={it.id} value={it.name}>
                {it.title}
              </option>
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}
