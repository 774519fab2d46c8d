import { Maximize2, Minimize2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useMessages } from '../i18n/messages';
import { IconButton } from '../ui/button';
import type { CodeEditorProps } from './code-editor';
import { type Editor, openEditor } from './editor';
import { NOTHING_KNOWN } from './known';

/** The editor itself; `code-editor.tsx` loads it. */
export default function CodeView({
  binding,
  label,
  reading,
  language = '',
  isOneLine = false,
  canEdit = true,
  isBad = false,
  describedBy,
  id,
  placeholder,
  known = NOTHING_KNOWN,
  rows = isOneLine ? 1 : 6,
  isFilling = false,
  onFocus,
}: CodeEditorProps) {
  const t = useMessages();
  const frame = useRef<HTMLDivElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>(null);
  const [isFull, setIsFull] = useState(false);
  const latest = useRef({ known, onFocus, isFull, canEdit });
  latest.current = { known, onFocus, isFull, canEdit };
  const attributes = {
    tabindex: '0',
    'aria-label': label,
    'aria-multiline': String(!isOneLine),
    'aria-invalid': String(isBad),
    ...(describedBy ? { 'aria-describedby': describedBy } : {}),
    ...(id ? { id } : {}),
  };
  const said = JSON.stringify(attributes);

  useEffect(() => {
    if (!host.current) return;
    const opened = openEditor({
      parent: host.current,
      binding,
      reading,
      language,
      isOneLine,
      placeholder,
      canEdit: latest.current.canEdit,
      attributes: {},
      known: () => latest.current.known,
      onFocus: (isFocused) => latest.current.onFocus?.(isFocused),
      onEscape: () => {
        if (!latest.current.isFull) return false;
        setIsFull(false);
        return true;
      },
    });
    editor.current = opened;
    return () => {
      editor.current = null;
      opened.close();
    };
  }, [binding, reading, language, isOneLine, placeholder]);
  useEffect(() => editor.current?.setCanEdit(canEdit), [canEdit]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new editor needs its names too.
  useEffect(() => {
    editor.current?.setAttributes(JSON.parse(said) as Record<string, string>);
  }, [said, binding, reading, language, isOneLine, placeholder]);
  // The top layer lies over everything, whatever moves or clips the panel.
  useEffect(() => {
    if (!isFull || !frame.current) return;
    const shown = frame.current;
    shown.popover = 'manual';
    shown.showPopover();
    editor.current?.view.focus();
    return () => {
      shown.hidePopover();
      shown.removeAttribute('popover');
      editor.current?.view.focus();
    };
  }, [isFull]);

  const hasFull = !isOneLine;
  const height = isFull || isFilling ? '[&>.cm-editor]:h-full' : '[&>.cm-editor]:max-h-[min(60vh,36rem)]';
  return (
    <div
      ref={frame}
      className={
        isFull
          ? 'fixed inset-0 m-0 flex size-full max-h-none max-w-none flex-col border-0 bg-surface p-0 text-text'
          : `group/code relative flex flex-col ${isFilling ? 'h-full min-h-0' : ''}`
      }
    >
      {isFull && (
        <div className="flex items-center gap-3 border-b border-line py-1 pr-2 pl-4">
          <strong className="min-w-0 flex-1 truncate">{label}</strong>
          <span className="text-meta text-muted max-sm:hidden">{t('code.keys')}</span>
          <IconButton label={t('code.small')} onClick={() => setIsFull(false)}>
            <Minimize2 aria-hidden className="size-4" />
          </IconButton>
        </div>
      )}
      <div
        ref={host}
        className={`min-h-0 w-full flex-1 overflow-hidden bg-surface ${isFull ? '' : `rounded-control border ${isBad ? 'border-fail' : 'border-control'}`} focus-within:outline-2 focus-within:outline-offset-1 focus-within:outline-accent [&>.cm-editor]:min-h-(--rows) ${height}`}
        style={{ '--rows': `${rows * 20 + 10}px` } as React.CSSProperties}
      />
      {hasFull && !isFull && (
        <IconButton
          label={t('code.full')}
          className="absolute top-1 right-2 bg-surface/80 opacity-0 group-focus-within/code:opacity-100 group-hover/code:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100"
          onClick={() => setIsFull(true)}
        >
          <Maximize2 aria-hidden className="size-3.5" />
        </IconButton>
      )}
    </div>
  );
}
