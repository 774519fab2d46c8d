import type { PlainKey } from '../../i18n/messages';
import { useMessages } from '../../i18n/messages';
import { Select } from '../../ui/field';
import { plainProse } from '../../ui/prose-text';
import { FieldView } from '../field-view';
import { useNames } from '../names';
import { type Field, isRecord, type ObjectField } from '../schema';
import { type Path, useForm } from '../target';

const NAMES = {
  equals: 'form.op.equals',
  'not-equals': 'form.op.not-equals',
  greater: 'form.op.greater',
  'greater-or-equal': 'form.op.greater-or-equal',
  less: 'form.op.less',
  'less-or-equal': 'form.op.less-or-equal',
  contains: 'form.op.contains',
  'not-contains': 'form.op.not-contains',
  'starts-with': 'form.op.starts-with',
  'ends-with': 'form.op.ends-with',
  matches: 'form.op.matches',
  in: 'form.op.in',
  exists: 'form.op.exists',
  missing: 'form.op.missing',
  empty: 'form.op.empty',
  'not-empty': 'form.op.not-empty',
  'is-true': 'form.op.is-true',
  'is-false': 'form.op.is-false',
} as const satisfies Readonly<Record<string, PlainKey>>;
const ONE_SIDED: ReadonlySet<string> = new Set(['exists', 'missing', 'empty', 'not-empty', 'is-true', 'is-false']);

const named = (name: string): name is keyof typeof NAMES => Object.hasOwn(NAMES, name);

/** Whether an object is a rule: something, how it is compared, and with what. */
export const isRule = (field: ObjectField): boolean =>
  field.fields.length === 3 && ['left', 'op', 'right'].every((key) => field.fields.some((it) => it.key === key));

type RuleProps = { readonly field: ObjectField; readonly path: Path; readonly value: unknown };

/** A rule in the order in which it is read: "total · is at least · 100". */
export function RuleEditor({ field, path, value }: RuleProps) {
  const t = useMessages();
  const { target, canEdit } = useForm();
  const { fieldName } = useNames();
  const of = isRecord(value) ? value : {};
  const part = (key: string): Field | undefined => field.fields.find((it) => it.key === key);
  const [left, op, right] = [part('left'), part('op'), part('right')];
  if (!left || op?.kind !== 'choice' || !right) return null;
  const now = String(of.op ?? '');
  const words = (name: string) => (named(name) ? t(NAMES[name]) : name);
  return (
    <div className="flex flex-col gap-1.5">
      <FieldView field={left} path={[...path, 'left']} value={of.left} name={fieldName(left)} />
      <Select
        aria-label={fieldName(op)}
        data-field={`${path.join('/')}/op`}
        disabled={!canEdit}
        value={now}
        onChange={(event) => target.set([...path, 'op'], event.target.value)}
      >
        {!op.choices.some((it) => it.value === now) && <option value={now}>{now}</option>}
        {op.choices.map((it) => (
          <option key={it.label} value={it.label} title={plainProse(it.docs)}>
            {words(it.label)}
          </option>
        ))}
      </Select>
      {(!ONE_SIDED.has(now) || (of.right !== undefined && of.right !== null)) && (
        <FieldView field={right} path={[...path, 'right']} value={of.right} name={fieldName(right)} />
      )}
    </div>
  );
}
