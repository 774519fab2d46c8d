//! Editors of what is chosen by its name on the node: secrets, workflows, files of the machine.
import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { presetsQuery } from '../../api/requests/presets';
import { secretsQuery } from '../../api/requests/secrets';
import { asText } from '../../format/json';
import { useMessages } from '../../i18n/messages';
import { NewSecret } from '../../secrets/new-secret';
import { Problem } from '../../ui/states';
import { FieldInput, FieldSelect } from '../controls';
import type { EditorProps } from '../editor-props';
import { useForm } from '../target';
import { useTyped, useTypedText } from '../use-typed';

const NEW = '\0new';

/** A secret by its name. The step that names it is given it. */
export function SecretEditor({ field: _, path, value, ...of }: EditorProps<'secret'>) {
  const t = useMessages();
  const { target } = useForm();
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
      <FieldSelect
        of={of}
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
      </FieldSelect>
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

/** Another workflow by its name. */
export function PresetEditor({ field: _, path, value, ...of }: EditorProps<'preset'>) {
  const t = useMessages();
  const { target } = useForm();
  const presets = useQuery(presetsQuery);
  const list = useId();
  const [text, type] = useTyped(asText(value), (next) => target.set(path, next, true));
  const found = presets.data?.find((it) => it.name === text);
  return (
    <div className="flex flex-col gap-1">
      <FieldInput
        of={of}
        list={list}
        placeholder={t('form.preset.choose')}
        value={text}
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
export function PathEditor({ field, path, value, ...of }: EditorProps<'path'>) {
  const t = useMessages();
  const [text, type] = useTypedText(field, path, asText(value));
  const where = STARTS.find(([start]) => text.startsWith(start));
  return (
    <>
      <FieldInput
        of={of}
        className="font-mono text-body!"
        placeholder="/home/…  ~/…  report.csv"
        value={text}
        onChange={(event) => type(event.target.value)}
      />
      {text !== '' && where && <span className="text-meta text-muted">{t(where[1])}</span>}
    </>
  );
}
