import { Search, Square } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useMessages } from '../i18n/messages';
import { IconButton } from '../ui/button';
import { Input } from '../ui/field';
import { Problem } from '../ui/states';
import { type FetchPage, findItem, type Looked } from './find-items';

type FindItemsProps = {
  readonly fetchPage: FetchPage;
  /** The place after which to look. */
  readonly from: number;
  readonly onFound: (index: number) => void;
};

/** Finds the next item that holds some text, in all pages; says how far it has looked. */
export function FindItems({ fetchPage, from, onFound }: FindItemsProps) {
  const t = useMessages();
  const [text, setText] = useState('');
  const [looked, setLooked] = useState<Looked>();
  const [isMissing, setMissing] = useState(false);
  const [error, setError] = useState<unknown>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const find = async (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    running.current?.abort();
    const stop = new AbortController();
    running.current = stop;
    setMissing(false);
    setError(undefined);
    setLooked({ looked: 0, total: 0 });
    try {
      const found = await findItem(fetchPage, text.trim(), from, setLooked, stop.signal);
      if (stop.signal.aborted) return;
      if (found === undefined) setMissing(true);
      else onFound(found);
    } catch (caught) {
      if (!stop.signal.aborted) setError(caught);
    } finally {
      if (running.current === stop) setLooked(undefined);
    }
  };
  return (
    <form onSubmit={(event) => void find(event)} className="order-last flex min-w-0 basis-full items-center gap-1">
      <Input
        type="search"
        aria-label={t('data.find')}
        placeholder={t('data.find')}
        className="h-7! min-w-24 flex-1 pointer-coarse:h-11!"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setMissing(false);
        }}
      />
      {looked ? (
        <IconButton
          label={t('data.find.stop')}
          onClick={() => {
            running.current?.abort();
            setLooked(undefined);
          }}
        >
          <Square aria-hidden className="size-3.5" />
        </IconButton>
      ) : (
        <button
          type="submit"
          aria-label={t('data.find.next')}
          title={t('data.find.next')}
          disabled={!text.trim()}
          className="inline-flex size-8 shrink-0 items-center justify-center rounded-control hover:bg-raised disabled:opacity-45 pointer-coarse:size-11"
        >
          <Search aria-hidden className="size-4" />
        </button>
      )}
      <span role="status" className="text-meta whitespace-nowrap text-muted">
        {looked && looked.total > 0 && t('data.find.looked', looked)}
        {isMissing && t('data.find.none')}
      </span>
      <Problem error={error} />
    </form>
  );
}
