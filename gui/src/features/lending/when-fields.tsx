import { useMessages } from '@/shared/i18n/messages';
import { Field, Input } from '@/shared/ui/field';
import { CAP_NAMES, mostOf, type NumberName, type PolicyTexts, policyNumber } from './policy';

type FieldsProps = { readonly texts: PolicyTexts; readonly onChange: (next: Partial<PolicyTexts>) => void };

/** What its owner does at the machine, and how much of it is in use. */
export function OwnUse({ texts, onChange }: FieldsProps) {
  const t = useMessages();
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="pb-1 font-semibold">{t('when.own')}</legend>
      <NumberField name="away" texts={texts} onChange={onChange} label={t('when.away')} hint={t('when.away.hint')} />
      <label className="flex min-h-8 items-center gap-2 pointer-coarse:min-h-11">
        <input
          type="checkbox"
          className="size-4 accent-(--accent)"
          checked={texts.notFullScreen}
          onChange={(event) => onChange({ notFullScreen: event.target.checked })}
        />
        {t('when.full_screen')}
      </label>
      <div className="grid gap-4 sm:grid-cols-2">
        {CAP_NAMES.map((name) => (
          <NumberField key={name} name={name} texts={texts} onChange={onChange} label={t(`when.${name}`)} />
        ))}
      </div>
      <p className="text-muted">{t('when.caps.hint')}</p>
    </fieldset>
  );
}

/** What the sums reckon energy with. */
export function Draws({ texts, onChange }: FieldsProps) {
  const t = useMessages();
  return (
    <NumberField name="draws" texts={texts} onChange={onChange} label={t('when.draws')} hint={t('when.draws.hint')} />
  );
}

type NumberFieldProps = FieldsProps & {
  readonly name: NumberName;
  readonly label: string;
  readonly hint?: string;
};

function NumberField({ name, texts: { numbers }, onChange, label, hint }: NumberFieldProps) {
  const t = useMessages();
  const isWrong = policyNumber(name, numbers[name]) === 'wrong';
  return (
    <Field label={label} hint={hint} error={isWrong ? t('when.number', { most: mostOf(name) }) : undefined}>
      {(ids) => (
        <Input
          {...ids}
          inputMode="numeric"
          autoComplete="off"
          placeholder={t('when.not_said')}
          value={numbers[name]}
          onChange={(event) => onChange({ numbers: { ...numbers, [name]: event.target.value } })}
        />
      )}
    </Field>
  );
}
