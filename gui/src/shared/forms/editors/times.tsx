//! Editors of spans, times, dates and schedules, with what they mean in words.
import { useQuery } from '@tanstack/react-query';
import { asText } from '../../format/json';
import { currentLanguage, useLanguage, useMessages } from '../../i18n/messages';
import { Input } from '../../ui/field';
import { FieldInput } from '../controls';
import { nextTimes, readCron } from '../cron';
import type { EditorProps } from '../editor-props';
import { readSpan, writeSpan } from '../spans';
import { useForm } from '../target';
import { useTypedText } from '../use-typed';

const SPANS: readonly string[] = ['30s', '5m', '1h', '1d'];

/** A span: `30s`, `5m`, `1h 30m`. */
export function DurationEditor({ field, path, value, ...of }: EditorProps<'duration'>) {
  const { canEdit } = useForm();
  const [text, type] = useTypedText(field, path, asText(value));
  const ms = readSpan(text);
  return (
    <div className="flex flex-wrap items-center gap-1">
      <FieldInput
        of={of}
        className="w-32!"
        placeholder="30s"
        value={text}
        onChange={(event) => type(event.target.value)}
      />
      {SPANS.map((it) => (
        <button
          key={it}
          type="button"
          disabled={!canEdit}
          className="min-h-6 rounded-full border border-line px-2 text-meta text-muted hover:bg-raised pointer-coarse:min-h-11"
          onClick={() => type(it)}
        >
          {it}
        </button>
      ))}
      {ms !== undefined && writeSpan(ms) !== text && <span className="text-meta text-muted">{writeSpan(ms)}</span>}
    </div>
  );
}

const two = (number: number): string => String(number).padStart(2, '0');
/** How `datetime-local` writes a time. */
const localText = (at: Date): string =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;

/** A moment, kept as ISO in UTC, chosen in the time of this browser. */
export function TimeEditor({ field, path, value, ...of }: EditorProps<'time'>) {
  const t = useMessages();
  const { canEdit } = useForm();
  const language = useLanguage();
  const [text, type] = useTypedText(field, path, asText(value));
  const at = new Date(/^\d+$/.test(text) ? Number(text) : text);
  const isTime = text !== '' && !Number.isNaN(at.getTime());
  return (
    <div className="flex flex-col gap-1">
      <div className="flex gap-1">
        <FieldInput
          of={of}
          placeholder="2030-01-31T08:00:00Z"
          value={text}
          onChange={(event) => type(event.target.value)}
        />
        <Input
          type="datetime-local"
          aria-label={`${of.label}: ${t('form.time.local')}`}
          className="w-9! shrink-0 px-2! text-transparent!"
          disabled={!canEdit}
          value={isTime ? localText(at) : ''}
          onChange={(event) => {
            const picked = new Date(event.target.value);
            if (!Number.isNaN(picked.getTime())) type(picked.toISOString().replace('.000Z', 'Z'));
          }}
        />
      </div>
      {isTime && (
        <span className="text-meta text-muted">
          {t('form.time.is', { time: at.toLocaleString(language, { dateStyle: 'full', timeStyle: 'short' }) })}
        </span>
      )}
    </div>
  );
}

/** A day. */
export function DateEditor({ field, path, value, ...of }: EditorProps<'date'>) {
  const { target, canEdit } = useForm();
  return (
    <FieldInput
      of={of}
      type="date"
      className="max-w-44"
      disabled={!canEdit}
      value={asText(value)}
      onChange={(event) => target.set(path, event.target.value || (field.isRequired ? '' : undefined))}
    />
  );
}

/** A schedule in the person's words; loaded when the first one is shown. */
async function cronWords(expression: string): Promise<string> {
  const language = currentLanguage();
  const { default: cronstrue } = await import('cronstrue');
  if (language === 'id') await import('cronstrue/locales/id');
  return cronstrue.toString(expression, { locale: language, use24HourTimeFormat: true });
}

/** A cron expression, what it says, and when it comes next. */
export function CronEditor({ field, path, value, ...of }: EditorProps<'cron'>) {
  const t = useMessages();
  const language = useLanguage();
  const [text, type] = useTypedText(field, path, asText(value));
  const reads = readCron(text) !== undefined;
  const words = useQuery({
    queryKey: ['cron', text, language],
    queryFn: () => cronWords(text),
    enabled: reads,
    staleTime: Infinity,
    retry: false,
  });
  const next = reads ? nextTimes(text, new Date(), 3) : [];
  const shown = next.map((at) =>
    at.toLocaleString(language, {
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
    }),
  );
  return (
    <div className="flex flex-col gap-1">
      <FieldInput
        of={{ ...of, isBad: of.isBad || (text !== '' && !reads) }}
        className="font-mono"
        placeholder="0 8 * * 1-5"
        value={text}
        onChange={(event) => type(event.target.value)}
      />
      {text !== '' && !reads && <p className="text-meta text-fail">{t('form.wrong.cron')}</p>}
      {words.data && <p className="text-meta">{words.data}</p>}
      {shown.length > 0 && <p className="text-meta text-muted">{t('form.cron.next', { times: shown.join(' · ') })}</p>}
    </div>
  );
}
