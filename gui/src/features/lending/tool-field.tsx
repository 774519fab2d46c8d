import { useMemo, useState } from 'react';
import type { LentTool, Manifest } from '@/shared/api/types';
import { FieldsView } from '@/shared/forms/form-view';
import { usePlainWorld } from '@/shared/forms/plain-world';
import { firstObject, formOf } from '@/shared/forms/schema';
import { FormContext } from '@/shared/forms/target';
import { useValueTarget } from '@/shared/forms/value-target';
import { useMessages } from '@/shared/i18n/messages';
import { useCategoryName, useComponents } from '@/shared/manifests/use-components';
import { Field, Select } from '@/shared/ui/field';
import { Ready } from '@/shared/ui/states';
import { type ChosenTool, isWhole, lendable, refusedFields, secretsSaid } from './tool';

type ToolFieldProps = {
  readonly value: LentTool | undefined;
  readonly onChange: (chosen: ChosenTool | undefined) => void;
  /** Why the node did not take it. */
  readonly refused: unknown;
};

/** One of the components of this node, with how it is set. */
export default function ToolField({ value, onChange, refused }: ToolFieldProps) {
  const t = useMessages();
  const components = useComponents();
  const categoryName = useCategoryName();
  const choose = (manifest: Manifest | undefined) => {
    if (!manifest) return onChange(undefined);
    const form = formOf(manifest.name, manifest.config);
    const config = firstObject(form.fields);
    onChange({ tool: { component: manifest.name, config }, isWhole: isWhole(t, form, config) });
  };
  return (
    <Ready of={components} lines={2}>
      {(all) => {
        const chosen = all.find((it) => it.name === value?.component);
        return (
          <>
            <Field label={t('lending.component')} hint={chosen?.summary}>
              {(ids) => (
                <Select
                  {...ids}
                  value={chosen?.name ?? ''}
                  onChange={(event) => choose(all.find((it) => it.name === event.target.value))}
                >
                  <option value="">{t('lending.choose')}</option>
                  {lendable(all).map(([category, list]) => (
                    <optgroup key={category} label={categoryName(category)}>
                      {list.map((it) => (
                        <option key={it.name} value={it.name}>
                          {it.title}
                        </option>
                      ))}
                    </optgroup>
                  ))}
                </Select>
              )}
            </Field>
            {chosen && value && (
              <Settings
                key={chosen.name}
                manifest={chosen}
                config={value.config ?? {}}
                onChange={onChange}
                refused={refused}
              />
            )}
          </>
        );
      }}
    </Ready>
  );
}

type SettingsProps = {
  readonly manifest: Manifest;
  readonly config: Readonly<Record<string, unknown>>;
  readonly onChange: (chosen: ChosenTool) => void;
  readonly refused: unknown;
};

/** How the component is set, in the form that it has in a workflow. */
function Settings({ manifest, config, onChange, refused }: SettingsProps) {
  const t = useMessages();
  const form = useMemo(() => formOf(manifest.name, manifest.config), [manifest]);
  // Nobody is told what is missing before they had a chance to fill it in.
  const [isTouched, setTouched] = useState(false);
  const target = useValueTarget(config, (next) => {
    setTouched(true);
    const set = next as Record<string, unknown>;
    onChange({ tool: { component: manifest.name, config: set }, isWhole: isWhole(t, form, set) });
  });
  const also = useMemo(
    () => new Map([...refusedFields(refused), ...secretsSaid(t, form, config)]),
    [refused, t, form, config],
  );
  const world = usePlainWorld(target, true, form, config, also);
  const shown = useMemo(() => (isTouched ? world : { ...world, said: also }), [isTouched, world, also]);
  if (form.fields.length === 0) return <p className="text-muted">{t('form.nothing')}</p>;
  return (
    <fieldset className="rounded-card border border-line px-4 pt-1 pb-4">
      <legend className="px-1 font-semibold">{t('lending.component.set')}</legend>
      <FormContext value={shown}>
        <FieldsView fields={form.fields} path={[]} value={config} />
      </FormContext>
      <p className="pt-3 text-muted">{t('lending.component.expressions')}</p>
    </fieldset>
  );
}
