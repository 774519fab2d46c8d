import { useQuery } from '@tanstack/react-query';
import { type ReactNode, Suspense, useEffect, useMemo, useState } from 'react';
import { lazily } from '@/shared/ui/lazily';
import { fetchFile } from '../api/requests/files';
import type { BlobRef, Item } from '../api/types';
import { saveFile } from '../format/download';
import { bytes } from '../format/format';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { Select } from '../ui/field';
import { Empty, Loading, Problem } from '../ui/states';
import { kindOfText, OPEN_CHARS_MAX, type TextKind, textsOf } from './shape';

const Markdown = lazily(() => import('../ui/markdown'));
const KINDS: readonly TextKind[] = ['text', 'markdown', 'html', 'svg'];

/** One item drawn: its texts as Markdown, HTML or pictures, its files as pictures or downloads. Nothing in it ever runs. */
export function Rendered({ items, offset }: { readonly items: readonly Item[]; readonly offset: number }) {
  const t = useMessages();
  const [place, setPlace] = useState(0);
  const item = items[Math.min(place, items.length - 1)];
  if (!item) return null;
  return (
    <div className="flex h-full flex-col">
      <div className="flex items-center gap-2 border-b border-line px-3 py-2">
        <label className="flex items-center gap-2 text-muted">
          {t('data.item')}
          <Select className="w-24!" value={place} onChange={(event) => setPlace(Number(event.target.value))}>
            {items.map((_, at) => (
              <option key={at} value={at}>
                {offset + at + 1}
              </option>
            ))}
          </Select>
        </label>
      </div>
      <section
        aria-label={t('data.view')}
        tabIndex={0}
        className="scroll-thin flex min-h-0 flex-1 flex-col gap-4 overflow-auto p-3 focus-visible:-outline-offset-2"
      >
        <ItemView key={`${offset}/${place}`} item={item} />
      </section>
    </div>
  );
}

function ItemView({ item }: { readonly item: Item }) {
  const t = useMessages();
  const texts = useMemo(() => textsOf(item.json), [item]);
  // What has a form comes first; plain short texts are better read in the table.
  const [path, setPath] = useState(() => (texts.find(({ text }) => kindOfText(text) !== 'text') ?? texts[0])?.path);
  const files = Object.entries(item.files ?? {});
  const chosen = texts.find((it) => it.path === path);
  if (files.length === 0 && texts.length === 0) return <Empty title={t('data.nothing_to_view')} />;
  return (
    <>
      {files.map(([name, file]) => (
        <FileView key={name} name={name} file={file} />
      ))}
      {texts.length > 0 && (
        <>
          <Select aria-label={t('data.field')} value={path} onChange={(event) => setPath(event.target.value)}>
            {texts.map((it) => (
              <option key={it.path} value={it.path}>
                {it.path.replace(/^\./, '') || t('data.value')}
              </option>
            ))}
          </Select>
          {chosen && <TextView key={chosen.path} text={chosen.text} />}
        </>
      )}
    </>
  );
}

function TextView({ text }: { readonly text: string }) {
  const t = useMessages();
  const [kind, setKind] = useState(() => kindOfText(text));
  return (
    <div className="flex min-h-0 flex-col gap-2">
      <div role="group" aria-label={t('data.as')} className="flex gap-1">
        {KINDS.map((it) => (
          <button
            key={it}
            type="button"
            aria-pressed={it === kind}
            onClick={() => setKind(it)}
            className="min-h-7 rounded-full border border-line px-2.5 text-meta aria-pressed:border-accent aria-pressed:bg-raised aria-pressed:font-semibold pointer-coarse:min-h-11"
          >
            {t(`data.as.${it}`)}
          </button>
        ))}
      </div>
      {/* HTML and Markdown of a book's length are no view; the JSON form has all of it for a download. */}
      {text.length > OPEN_CHARS_MAX && (
        <p className="text-muted">{t('data.only_first', { count: OPEN_CHARS_MAX, total: text.length })}</p>
      )}
      <Drawn kind={kind} text={text.slice(0, OPEN_CHARS_MAX)} />
    </div>
  );
}

function Drawn({ kind, text }: { readonly kind: TextKind; readonly text: string }): ReactNode {
  const t = useMessages();
  switch (kind) {
    case 'markdown':
      return (
        <Suspense fallback={<Loading lines={3} />}>
          <Markdown text={text} />
        </Suspense>
      );
    case 'html':
      // No scripts, no forms, no links out, an origin of its own: it can only be looked at.
      return (
        <iframe
          title={t('data.as.html')}
          sandbox=""
          srcDoc={ONLY_LOOKED_AT + text}
          className="h-80 w-full rounded-control border border-line bg-[#fff]"
        />
      );
    case 'svg':
      return <Picture bytes={text} type="image/svg+xml" />;
    default:
      return <pre className="font-mono text-meta break-words whitespace-pre-wrap">{text}</pre>;
  }
}

/** A picture by an address of its own; as `<img>` even SVG cannot run anything or load anything. */
function Picture({ bytes: content, type }: { readonly bytes: BlobPart; readonly type: string }) {
  const t = useMessages();
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([content], { type }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [content, type]);
  return (
    address && (
      <img
        src={address}
        alt={t('data.picture')}
        className="max-h-80 max-w-full self-start rounded-control bg-[#fff] object-contain"
      />
    )
  );
}

/** What data may load: nothing, not even from this node, whose open webhooks a picture's address could call. */
const ONLY_LOOKED_AT = `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">`;

const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/svg+xml', 'image/avif'];
const PICTURE_BYTES_MAX = 20 << 20;

function FileView({ name, file }: { readonly name: string; readonly file: BlobRef }) {
  const t = useMessages();
  const type = file.media_type ?? '';
  const isPicture = PICTURES.includes(type) && file.size <= PICTURE_BYTES_MAX;
  const content = useQuery({
    queryKey: ['file', file.blob],
    queryFn: ({ signal }) => fetchFile(file.blob, file.name, signal),
    enabled: isPicture,
    staleTime: Infinity,
  });
  const [problem, setProblem] = useState<unknown>();
  const download = async () => {
    try {
      saveFile(file.name, await fetchFile(file.blob, file.name));
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <span className="font-semibold">{name}</span>
        <span className="text-muted">
          {file.name} · {bytes(file.size)} {type && `· ${type}`}
        </span>
        <Button onClick={() => void download()}>{t('data.download')}</Button>
      </div>
      <Problem error={problem ?? content.error} />
      {content.data && <Picture bytes={content.data} type={type} />}
    </div>
  );
}
