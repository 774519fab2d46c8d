//! A single component that is to be lent: which can be, and what is wrong with how it is set.
import { ApiError } from '@/shared/api/problem';
import type { LentTool, Manifest } from '@/shared/api/types';
import { check } from '@/shared/forms/check';
import { type Field, formOfValue, isRecord, type ObjectField } from '@/shared/forms/schema';
import { type Path, pointerOf, type Said } from '@/shared/forms/target';
import type { Translate } from '@/shared/i18n/messages';

/** What is said about the field at a place. */
type SaidAt = [pointer: string, said: readonly Said[]];
/** What is chosen, with whether it can be lent as it is set. */
export type ChosenTool = { readonly tool: LentTool; readonly isWhole: boolean };

/** What leads a run rather than working on items says nothing alone. */
const LEADS = 'Flow';

/** Components that work on items by themselves, by category, each in the order of its title. */
export function lendable(all: readonly Manifest[]): [category: string, manifests: Manifest[]][] {
  const groups = new Map<string, Manifest[]>();
  for (const it of all) {
    const [input, second] = it.inputs;
    if (it.kind !== 'module' || it.category === LEADS || input?.name !== 'in' || second) continue;
    groups.set(it.category, [...(groups.get(it.category) ?? []), it]);
  }
  const byTitle = (one: Manifest, other: Manifest) => one.title.localeCompare(other.title);
  return [...groups].map(([category, list]) => [category, list.sort(byTitle)]);
}

/** The places at which a secret is named. */
function secretsIn(field: Field, value: unknown, path: Path): Path[] {
  switch (field.kind) {
    case 'secret':
      return typeof value === 'string' && value !== '' ? [path] : [];
    case 'object':
      return isRecord(value) ? field.fields.flatMap((it) => secretsIn(it, value[it.key], [...path, it.key])) : [];
    case 'map':
      return isRecord(value)
        ? Object.entries(value).flatMap(([key, it]) => secretsIn(field.of, it, [...path, key]))
        : [];
    case 'list':
      return Array.isArray(value) ? value.flatMap((it, at) => secretsIn(field.of, it, [...path, at])) : [];
    case 'union': {
      const form = field.forms[formOfValue(field.forms, value)];
      return form ? secretsIn(form, value, path) : [];
    }
    default:
      return [];
  }
}

/** What is wrong beside what the form says: secrets, which no component that is lent alone is given. */
export const secretsSaid = (t: Translate, form: ObjectField, config: unknown): SaidAt[] =>
  secretsIn(form, config, []).map((path) => [
    pointerOf(path),
    [{ severity: 'error', text: t('lending.component.secret') }],
  ]);

/** Whether it can be lent as it is set. */
export const isWhole = (t: Translate, form: ObjectField, config: unknown): boolean =>
  check(form, config).length === 0 && secretsSaid(t, form, config).length === 0;

/** Where the node puts the component that is lent alone. */
const CONFIG = '/steps/tool/config';

/** What the node says about single fields, by their places. */
export function refusedFields(error: unknown): SaidAt[] {
  if (!(error instanceof ApiError)) return [];
  return (error.details.problems ?? []).flatMap(({ place, message, suggestion }): SaidAt[] =>
    place?.startsWith(`${CONFIG}/`)
      ? [[place.slice(CONFIG.length), [{ severity: 'error', text: message, hint: suggestion ?? undefined }]]]
      : [],
  );
}
