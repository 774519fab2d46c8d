import { useMessages } from '@/shared/i18n/messages';

/** From hand to hand: who let whom use it, the owner's sentence first. */
export function Chain({ links }: { readonly links: readonly string[] }) {
  const t = useMessages();
  return (
    <div>
      <p className="text-muted">{t('grant.chain')}</p>
      <ol className="pt-1">
        {links.map((link, at) => (
          <li key={link} className="relative pb-1.5 pl-5 last:pb-0">
            {/* A dot for each hand, and the line to the next. */}
            <span
              aria-hidden
              className="absolute top-1.5 left-1 size-2 rounded-full border border-control bg-surface"
            />
            {at < links.length - 1 && (
              <span aria-hidden className="absolute top-3.5 bottom-[-0.375rem] left-[0.46875rem] w-px bg-control" />
            )}
            <span className="break-words">{link}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
