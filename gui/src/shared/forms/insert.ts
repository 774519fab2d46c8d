//! Fields of data on their way into fields of forms: where they can go, and what they become there.
import { type DataPath, dataTemplate, dotted } from '../code/paths';
import { hasExpression } from '../code/template';
import { type Field, formOfValue, isRecord, shownOf } from './schema';
import type { Path } from './target';

export type Place = { readonly path: Path; readonly field: Field; readonly value: unknown; readonly label: string };

const takes = (field: Field): boolean =>
  field.takesExpression || (field.kind === 'text' && field.suggest === 'field') || field.kind === 'condition';

/** The places of a form that data can go into, as they stand now. */
export function placesFor(form: Field, value: unknown, nameOf = (field: Field) => field.title): Place[] {
  const found: Place[] = [];
  const visit = (field: Field, at: unknown, path: Path, names: readonly string[]): void => {
    const here = field.title ? [...names, nameOf(field)] : names;
    switch (field.kind) {
      case 'object':
        if (!isRecord(at)) return;
        for (const it of shownOf(field.fields, at).shown) visit(it, at[it.key], [...path, it.key], here);
        return;
      case 'list':
        if (!Array.isArray(at)) return;
        for (const [index, it] of at.entries()) visit(field.of, it, [...path, index], [...here, String(index + 1)]);
        return;
      case 'map':
        if (!isRecord(at)) return;
        for (const [key, it] of Object.entries(at)) visit(field.of, it, [...path, key], [...here, key]);
        return;
      case 'union': {
        const chosen = field.forms[formOfValue(field.forms, at)];
        if (chosen) visit({ ...chosen, title: '' }, at, path, here);
        return;
      }
      default:
        if (takes(field)) found.push({ path, field, value: at, label: here.join(' › ') });
    }
  };
  visit(form, value, [], []);
  return found;
}

/** What a field of a form becomes when a field of the data falls into it. */
export function inserted(field: Field, value: unknown, path: DataPath, step?: string): unknown {
  if (field.kind === 'text' && field.suggest === 'field' && step === undefined && !hasExpression(value)) {
    const name = dotted(path);
    if (name !== undefined) return name;
  }
  const template = dataTemplate(path, step);
  if (field.kind === 'condition') return template;
  const isText = field.kind === 'text' || field.kind === 'any' || field.kind === 'path';
  if (!isText || typeof value !== 'string' || value === '') return template;
  return value.endsWith(' ') || /[/=:("']$/.test(value) ? value + template : `${value} ${template}`;
}
