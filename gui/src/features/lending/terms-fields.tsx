import { type ReactNode, useId } from 'react';
import type { GrantLimits } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Field, Input, Select } from '@/shared/ui/field';
import { Switch } from '@/shared/ui/switch';
import { dayText, type LimitName, type LimitTexts, mostOf, SPANS, type Span } from './limits';

const DAY_MS = 86_400_000;
const YEAR_MS = 366 * DAY_MS;

type UntilProps<Also extends string> = {
  readonly span: Span | Also;
  readonly date: string;
  /** Further choices, which go first. */
  readonly also?: readonly { readonly id: Also; readonly label: string }[];
  /** The end that nothing may go beyond. */
  readonly latest?: number;
  readonly onSpan: (span: Span | Also) => void;
  readonly onDate: (date: string) => void;
};

/** Until when: a span from now, or the end of a day. */
export function UntilFields<Also extends string = never>({
  span,
  date,
  also = [],
  latest,
  onSpan,
  onDate,
}: UntilProps<Also>) {
  const t = useMessages();
  const now = Date.now();
  const last = Math.min(now + YEAR_MS - DAY_MS, latest ?? Number.POSITIVE_INFINITY);
  const spans = (Object.keys(SPANS) as (keyof typeof SPANS)[]).filter(
    (it) => latest === undefined || now + SPANS[it] * DAY_MS <= latest,
  );
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={t('let.until')}>
        {(ids) => (
          <Select {...ids} value={span} onChange={(event) => onSpan(event.target.value as Span | Also)}>
            {also.map((it) => (
              <option key={it.id} value={it.id}>
                {it.label}
              </option>
            ))}
            {[...spans, 'date' as const].map((it) => (
              <option key={it} value={it}>
                {t(`let.span.${it}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {span === 'date' && (
        <Field label={t('let.date')}>
          {(ids) => (
            <Input
              {...ids}
              type="date"
              required
              min={dayText(now)}
              max={dayText(last)}
              value={date}
              onChange={(event) => onDate(event.target.value)}
            />
          )}
        </Field>
      )}
    </div>
  );
}

type LimitProps = {
  readonly texts: LimitTexts;
  readonly onChange: (texts: LimitTexts) => void;
  readonly asksModel: boolean;
  /** Fields that hold no number, and fields that hold too large ones. */
  readonly wrong: readonly LimitName[];
  readonly wide?: readonly LimitName[];
  /** What it must stay within. */
  readonly outer?: GrantLimits;
};

const FIELDS = [
  ['calls', 'let.calls'],
  ['atOnce', 'let.at_once'],
  ['minutes', 'let.minutes'],
  ['mib', 'let.mib'],
  ['tokens', 'let.tokens'],
] as const;

/** How much at most. */
export function LimitFields({ texts, onChange, asksModel, wrong, wide = [], outer }: LimitProps) {
  const t = useMessages();
  const shown = FIELDS.filter(([name]) => asksModel || name !== 'tokens');
  return (
    <fieldset>
      <legend className="pb-1 font-semibold">{t('let.limits')}</legend>
      <div className={`grid grid-cols-2 items-end gap-x-4 gap-y-2 ${asksModel ? 'sm:grid-cols-5' : 'sm:grid-cols-4'}`}>
        {shown.map(([name, label]) => {
          const most = outer && mostOf(outer, name);
          const error = wrong.includes(name)
            ? t('grant.number')
            : wide.includes(name) && most !== undefined
              ? t('pass.at_most', { most })
              : undefined;
          return (
            <Field key={name} label={t(label)} error={error}>
              {(ids) => (
                <Input
                  {...ids}
                  inputMode="numeric"
                  placeholder={most === undefined ? t('grant.no_limit') : String(most)}
                  value={texts[name]}
                  onChange={(event) => onChange({ ...texts, [name]: event.target.value })}
                />
              )}
            </Field>
          );
        })}
      </div>
    </fieldset>
  );
}

/** As many times something can be passed on at all. */
export const DEPTH_MAX = 3;

type DepthProps = { readonly value: number; readonly most: number; readonly onChange: (depth: number) => void };

/** Whether they may pass it on, and how many times. */
export function DepthField({ value, most, onChange }: DepthProps) {
  const t = useMessages();
  return (
    <Field label={t('let.depth')} hint={value > 0 ? t('let.depth.hint') : undefined}>
      {(ids) => (
        <Select {...ids} value={value} onChange={(event) => onChange(Number(event.target.value))}>
          {Array.from({ length: most + 1 }, (_, times) => (
            <option key={times} value={times}>
              {times === 0
                ? t('let.depth.none')
                : times === 1
                  ? t('let.depth.once')
                  : t('let.depth.times', { count: times })}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

type RenewsProps = { readonly isOn: boolean; readonly onFlip: () => void };

/** Whether it is renewed by itself. */
export function RenewsSwitch({ isOn, onFlip }: RenewsProps) {
  const t = useMessages();
  const hint = useId();
  return (
    <div className="grid grid-cols-[1fr_auto] items-start gap-x-3">
      <div>
        <p className="font-semibold">{t('let.renews')}</p>
        <p id={hint} className="text-muted">
          {t('let.renews.hint')}
        </p>
      </div>
      <Switch
        isOn={isOn}
        label={t('let.renews')}
        describedBy={hint}
        words={{ on: t('common.on'), off: t('common.off') }}
        needs="admin"
        isBusy={false}
        onFlip={onFlip}
        className="min-w-18"
      />
    </div>
  );
}

type UsesProps<C extends string> = {
  readonly all: readonly { readonly id: C; readonly label: ReactNode }[];
  readonly left: ReadonlySet<string>;
  readonly onChange: (left: ReadonlySet<string>) => void;
};

/** Which of several things; all but those that were left out. */
export function UsesField<C extends string>({ all, left, onChange }: UsesProps<C>) {
  const t = useMessages();
  return (
    <fieldset>
      <legend className="pb-1 font-semibold">{t('let.what')}</legend>
      {all.map(({ id, label }) => (
        <label key={id} className="flex min-h-8 items-center gap-2 pointer-coarse:min-h-11">
          <input
            type="checkbox"
            className="size-4 accent-(--accent)"
            checked={!left.has(id)}
            onChange={() => {
              const next = new Set(left);
              if (!next.delete(id)) next.add(id);
              onChange(next);
            }}
          />
          {label}
        </label>
      ))}
      {all.every(({ id }) => left.has(id)) && <p className="text-fail">{t('let.nothing')}</p>}
    </fieldset>
  );
}
