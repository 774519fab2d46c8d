//! Editors of what is chosen by its name on the node: secrets, workflows, files of the machine.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { presetsQuery } from '../../api/requests/presets';
import { secretsQuery, setSecret } from '../../api/requests/secrets';
import { useMessages } from '../../i18n/messages';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Field, Input, Select } from '../../ui/field';
import { Problem } from '../../ui/states';
import type { EditorProps } from '../editor-props';
import { useForm } from '../target';
import { useTyped, useTypedText } from '../use-typed';

const NEW = '\0new';
const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A secret by its name. The step that names it is given it. */
export function SecretEditor({ path, value, id, label, describedBy, isBad }: EditorProps<'secret'>) {
  const t = useMessages();
  const { target, canEdit } = useForm();
  const secrets = useQuery(secretsQuery);
  const [isNew, setIsNew] = useState(false);
  const names = secrets.data?.map((it) => it.name) ?? [];
  const name = asText(value);
  const choose = (next: string) => {
    target.set(path, next);
    if (next !== '') target.grantSecret(next);
  };
  return (
    <>
      <Select
        id={id}
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={isBad}
        disabled={!canEdit}
        value={name}
        onChange={(event) => (event.target.value === NEW ? setIsNew(true) : choose(event.target.value))}
      >
        <option value="">{t('form.secret.choose')}</option>
        {name !== '' && !names.includes(name) && (
          <option value={name}>{secrets.data ? t('form.secret.missing', { name }) : name}</option>
        )}
        {names.map((it) => (
          <option key={it} value={it}>
            {it}
          </option>
        ))}
        <option value={NEW}>{t('form.secret.new')}</option>
      </Select>
      {secrets.error && <Problem error={secrets.error} />}
      {isNew && (
        <NewSecret
          onClose={() => setIsNew(false)}
          onKept={(it) => {
            setIsNew(false);
            choose(it);
          }}
        />
      )}
    </>
  );
}

type NewSecretProps = { readonly onClose: () => void; readonly onKept: (name: string) => void };

/** Keeps a new secret on the node. */
export function NewSecret({ onClose, onKept }: NewSecretProps) {
  const t = useMessages();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const [error, setError] = useState<unknown>();
  const keep = async () => {
    try {
      await setSecret(name.trim(), value);
      await queries.invalidateQueries({ queryKey: secretsQuery.queryKey });
      onKept(name.trim());
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <Dialog
      title={t('form.secret.new.title')}
      hint={t('form.secret.new.hint')}
      onClose={onClose}
      footer={
        <Button look="primary" disabled={name.trim() === '' || value === ''} onClick={() => void keep()}>
          {t('form.secret.save')}
        </Button>
      }
    >
      <Field label={t('form.secret.name')}>
        {(ids) => <Input {...ids} value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label={t('form.secret.value')}>
        {(ids) => (
          <Input
            {...ids}
            type="password"
            value={value}
            autoComplete="new-password"
            onChange={(event) => setValue(event.target.value)}
          />
        )}
      </Field>
      <Problem error={error} />
    </Dialog>
  );
}

/** Another workflow by its name. */
export function PresetEditor({ path, value, id, label, describedBy, isBad }: EditorProps<'preset'>) {
  const t = useMessages();
  const { target, canEdit } = useForm();
  const presets = useQuery(presetsQuery);
  const list = useId();
  const [text, type] = useTyped(asText(value), (next) => target.set(path, next, true));
  const found = presets.data?.find((it) => it.name === text);
  return (
    <div className="flex flex-col gap-1">
      <Input
        id={id}
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={isBad}
        readOnly={!canEdit}
        list={list}
        placeholder={t('form.preset.choose')}
        value={text}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => type(event.target.value)}
      />
      <datalist id={list}>
        {presets.data?.map((it) => (
          <option key={it.id} value={it.name}>
            {it.title}
          </option>
        ))}
      </datalist>
      {found && <span className="text-meta text-muted">{found.title}</span>}
    </div>
  );
}

const STARTS = [
  ['/', 'form.path.absolute'],
  ['~/', 'form.path.home'],
  ['', 'form.path.files'],
] as const;

/** A file or folder of the machine that the node runs on. */
export function PathEditor({ field, path, value, id, label, describedBy, isBad }: EditorProps<'path'>) {
  const t = useMessages();
  const { canEdit } = useForm();
  const [text, type] = useTypedText(field, path, asText(value));
  const where = STARTS.find(([start]) => text.startsWith(start));
  return (
    <>
      <Input
        id={id}
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={isBad}
        readOnly={!canEdit}
        className="font-mono text-body!"
        placeholder="/home/…  ~/…  report.csv"
        value={text}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => type(event.target.value)}
      />
      {text !== '' && where && <span className="text-meta text-muted">{t(where[1])}</span>}
    </>
  );
}
