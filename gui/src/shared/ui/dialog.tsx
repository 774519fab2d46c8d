import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { type ReactNode, useRef } from 'react';
import { useMessages } from '../i18n/messages';
import { IconButton } from './button';
import { useFocusBack } from './focus-back';

type DialogProps = {
  readonly title: string;
  readonly hint?: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
};

/** What somebody fills in. */
const FIELD = 'input:not([type=file], [type=hidden], :disabled), select:not(:disabled), textarea:not(:disabled)';

/** A dialog over the page; Esc and the shade close it. On a phone it stands at the bottom. */
export function Dialog({ title, hint, onClose, children, footer }: DialogProps) {
  const t = useMessages();
  const focusBack = useFocusBack();
  const body = useRef<HTMLDivElement>(null);
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-[#0008]" />
        <Radix.Content
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            // Whoever opened it by hand or by keys goes on where something is to be filled in; a finger would only raise the keyboard.
            const field = body.current?.querySelector<HTMLElement>(FIELD);
            if (!field || body.current?.contains(document.activeElement) || matchMedia('(pointer: coarse)').matches)
              return;
            event.preventDefault();
            field.focus();
          }}
          onCloseAutoFocus={focusBack}
          className="fixed inset-x-0 bottom-0 z-50 flex max-h-[88dvh] flex-col rounded-t-card border border-line bg-surface shadow-2xl sm:inset-auto sm:top-1/2 sm:left-1/2 sm:w-[min(40rem,calc(100vw-3rem))] sm:-translate-1/2 sm:rounded-card"
        >
          <div className="flex items-start gap-2 border-b border-line py-3 pr-2 pl-4">
            <div className="min-w-0 flex-1 pt-0.5">
              <Radix.Title className="text-title font-semibold">{title}</Radix.Title>
              {hint && <p className="text-muted">{hint}</p>}
            </div>
            <Radix.Close asChild>
              <IconButton label={t('common.close')}>
                <X aria-hidden className="size-4" />
              </IconButton>
            </Radix.Close>
          </div>
          <div ref={body} className="scroll-thin flex flex-col gap-4 overflow-y-auto p-4">
            {children}
          </div>
          {footer && <div className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">{footer}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
