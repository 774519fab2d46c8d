import { Popover } from 'radix-ui';
import { inline } from '../data/shape';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { type Path, useForm } from './target';

/** "2 values": what people chose for one field at the same time, to choose from. Nothing when all agree. */
export function Conflict({ path }: { readonly path: Path }) {
  const t = useMessages();
  const { target, canEdit } = useForm();
  const values = target.conflicts(path);
  if (values.length < 2) return null;
  return (
    <Popover.Root>
      <Popover.Trigger className="rounded-full border border-wait px-2 text-meta font-semibold text-wait">
        {t('form.conflict', { count: values.length })}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="start"
          sideOffset={4}
          aria-label={t('form.conflict.title')}
          className="z-50 flex w-80 max-w-[calc(100vw-2rem)] flex-col gap-2 rounded-card border border-line bg-surface p-3 shadow-2xl"
        >
          <p className="font-semibold">{t('form.conflict.title')}</p>
          <p className="text-muted">{t('form.conflict.hint')}</p>
          {values.map((value, at) => (
            <div key={at} className="flex items-center gap-2">
              <code className="min-w-0 flex-1 truncate font-mono text-meta">{inline(value)}</code>
              <Popover.Close asChild>
                <Button disabled={!canEdit} onClick={() => target.settle(path, value)}>
                  {t('form.conflict.take')}
                </Button>
              </Popover.Close>
            </div>
          ))}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
