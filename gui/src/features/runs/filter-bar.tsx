import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { JobFilter } from '@/shared/api/requests/jobs';
import { JOB_STATES } from '@/shared/api/types';
import { count } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { IconButton } from '@/shared/ui/button';
import { Input, Select } from '@/shared/ui/field';
import { StateIcon, stateLabel } from '@/shared/ui/status';
import { type FilterChange, SPANS, type SpanName, spanOf, toggled } from './filter';

const TYPING_PAUSE_MS = 250;
const SPAN_NAMES = Object.keys(SPANS) as readonly SpanName[];

type FilterBarProps = {
  readonly filter: JobFilter;
  readonly span: SpanName | undefined;
  readonly onChange: (change: FilterChange) => void;
  readonly counts: Readonly<Record<string, number>> | undefined;
};

export function FilterBar({ filter, span, onChange, counts }: FilterBarProps) {
  const t = useMessages();
  return (
    <div className="flex flex-col gap-2 px-4 py-2 md:flex-row md:flex-wrap md:items-center md:px-6">
      <SearchBox value={filter.text} onChange={(text) => onChange({ text })} />
      <Select
        aria-label={t('runs.since')}
        className="md:w-auto!"
        value={span ?? 'any'}
        onChange={(event) => onChange({ span: spanOf(event.target.value) ?? 'any' })}
      >
        <option value="any">{t('runs.since.any')}</option>
        {SPAN_NAMES.map((it) => (
          <option key={it} value={it}>
            {t(`runs.since.${it}`)}
          </option>
        ))}
      </Select>
      {filter.preset && (
        <span className="inline-flex w-fit items-center gap-1 rounded-full border border-accent py-0.5 pr-1 pl-3">
          {filter.preset}
          <IconButton label={t('runs.all_workflows')} className="size-6!" onClick={() => onChange({ preset: '' })}>
            <X aria-hidden className="size-3.5" />
          </IconButton>
        </span>
      )}
      <div
        role="group"
        aria-label={t('runs.states')}
        className="scroll-thin flex min-w-0 gap-1.5 overflow-x-auto p-0.5"
      >
        {JOB_STATES.map((state) => {
          const isOn = filter.states.includes(state);
          const number = counts?.[state] ?? 0;
          if (number === 0 && !isOn) return null;
          return (
            <button
              key={state}
              type="button"
              aria-pressed={isOn}
              onClick={() => onChange({ states: toggled(filter.states, state) })}
              className="inline-flex min-h-7 shrink-0 items-center gap-1.5 rounded-full border border-line bg-surface px-2.5 hover:bg-raised aria-pressed:border-accent aria-pressed:bg-raised aria-pressed:font-semibold pointer-coarse:min-h-11"
            >
              <StateIcon state={state} className="size-3.5" />
              {t(stateLabel(state))}
              <span className="text-muted">{count(number)}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}

function SearchBox({ value, onChange }: { readonly value: string; readonly onChange: (text: string) => void }) {
  const t = useMessages();
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div className="relative w-full md:w-72">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted"
      />
      <Input
        type="search"
        aria-label={t('runs.search')}
        placeholder={t('runs.search.hint')}
        className="pl-8!"
        value={text}
        onChange={(event) => {
          const next = event.target.value;
          setText(next);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => onChange(next), TYPING_PAUSE_MS);
        }}
      />
    </div>
  );
}
