import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useRefused } from '../auth/may';
import { hasExpression } from '../code/template';
import { inline } from '../data/shape';
import { useMessages } from '../i18n/messages';
import { IconButton } from '../ui/button';
import { Prose } from '../ui/prose';
import { useForm } from './target';

const REST_MS = 250;

/** A value once it has stood still. */
export function useRested<T>(value: T, ms = REST_MS): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}

let targets = 0;
const numbers = new WeakMap<object, number>();
/** One number per object, for keys of queries. */
function numberOf(object: object): number {
  let known = numbers.get(object);
  if (known === undefined) {
    targets += 1;
    known = targets;
    numbers.set(object, known);
  }
  return known;
}

/** What a template gives for the example item. The node works it out; nothing is evaluated here. */
export function Preview({ text, id }: { readonly text: string; readonly id: string }) {
  const t = useMessages();
  const { target, items, item } = useForm();
  // Without data there is nothing to show; the form says so once.
  const needsData = items.length === 0 && readsItems(text);
  // The node works expressions out only for those who may write them.
  const isRefused = useRefused('editor') !== undefined;
  const rested = useRested(text);
  const answer = useQuery({
    queryKey: ['preview', numberOf(target), numberOf(items), item, rested],
    queryFn: ({ signal }) => target.preview({ text: rested, item }, signal),
    placeholderData: keepPreviousData,
    enabled: !needsData && !isRefused,
    staleTime: 60_000,
    gcTime: 30_000,
    retry: false,
  });
  if (needsData || isRefused) return null;
  const isOld = rested !== text || answer.isPlaceholderData;
  return (
    <output
      id={id}
      aria-busy={isOld}
      // Slanted, not faded: what was there stays readable until the answer comes.
      className={`flex min-h-6 items-start gap-2 rounded-control bg-raised px-2 py-0.5 text-meta ${isOld ? 'text-muted italic' : ''}`}
    >
      {answer.error ? (
        <span className="text-muted">
          {t('preview.unable', { why: answer.error instanceof Error ? answer.error.message : String(answer.error) })}
        </span>
      ) : answer.data === undefined ? (
        <span className="text-muted">…</span>
      ) : 'error' in answer.data ? (
        <span className="text-fail">
          <Prose text={answer.data.error.message} />
          {answer.data.error.hint && (
            <span className="block text-muted">
              <Prose text={answer.data.error.hint} />
            </span>
          )}
        </span>
      ) : (
        <Value value={answer.data.value} />
      )}
    </output>
  );
}

function Value({ value }: { readonly value: unknown }) {
  const t = useMessages();
  if (value === undefined) return <span className="text-muted">{t('preview.none')}</span>;
  const isText = typeof value === 'string';
  return (
    <>
      <span className="shrink-0 text-muted">{isText ? 'Abc' : typeof value === 'number' ? '123' : '{ }'}</span>
      <span className="max-h-24 min-w-0 flex-1 overflow-y-auto break-words whitespace-pre-wrap font-mono">
        {inline(value)}
      </span>
    </>
  );
}

/** Chooses the item that previews and samples look at. */
export function ItemStepper({ hasReader }: { readonly hasReader: boolean }) {
  const t = useMessages();
  const { items, item, chooseItem } = useForm();
  if (items.length === 0)
    return hasReader ? <p className="w-full text-meta text-muted">{t('preview.no_data')}</p> : null;
  if (items.length < 2) return null;
  return (
    <div role="group" aria-label={t('preview.item')} className="flex items-center gap-0.5 text-meta text-muted">
      <span className="mr-1">{t('preview.item')}</span>
      <IconButton
        label={t('preview.previous')}
        disabled={item === 0}
        className="size-6!"
        onClick={() => chooseItem(item - 1)}
      >
        <ChevronLeft aria-hidden className="size-3.5" />
      </IconButton>
      <span aria-live="polite" className="whitespace-nowrap">
        {t('preview.of', { at: item + 1, total: items.length })}
      </span>
      <IconButton
        label={t('preview.next')}
        disabled={item >= items.length - 1}
        className="size-6!"
        onClick={() => chooseItem(item + 1)}
      >
        <ChevronRight aria-hidden className="size-3.5" />
      </IconButton>
    </div>
  );
}

/** Whether a text reads the items that come in. */
export const readsItems = (text: string): boolean => /\$(json|items?)\b/.test(text);

export const isTemplate = (value: unknown): value is string => hasExpression(value);
