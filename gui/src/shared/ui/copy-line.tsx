import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useMessages } from '../i18n/messages';
import { IconButton } from './button';

const SAID_FOR_MS = 2_500;

type CopyLineProps = {
  readonly text: string;
  /** What the button copies, in words. */
  readonly label: string;
  readonly isWrapped?: boolean;
};

/** A line to take along: a command, an address, a secret. */
export function CopyLine({ text, label, isWrapped = false }: CopyLineProps) {
  const t = useMessages();
  const [copied, setCopied] = useState<boolean>();
  useEffect(() => {
    if (copied === undefined) return;
    const timer = setTimeout(() => setCopied(undefined), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    // There is no clipboard on plain HTTP; the line can be selected by hand.
    if (!navigator.clipboard) setCopied(false);
    else
      navigator.clipboard.writeText(text).then(
        () => setCopied(true),
        () => setCopied(false),
      );
  };
  return (
    <span className="mt-1 flex items-center gap-1 rounded-control bg-raised py-0.5 pr-0.5 pl-2">
      <code
        // It may be longer than its line and is then scrolled by keys.
        tabIndex={isWrapped ? undefined : 0}
        className={`min-w-0 flex-1 font-mono text-meta select-all ${isWrapped ? 'break-all' : 'scroll-thin overflow-x-auto whitespace-nowrap'}`}
      >
        {text}
      </code>
      <span role="status" className="text-meta text-muted">
        {copied === undefined ? '' : copied ? t('common.copied') : t('common.copy_by_hand')}
      </span>
      <IconButton label={label} className="size-7!" onClick={copy}>
        {copied ? <Check aria-hidden className="size-4 text-ok" /> : <Copy aria-hidden className="size-4" />}
      </IconButton>
    </span>
  );
}
