import { Dialog as Radix } from 'radix-ui';
import type { SignedOutReason } from '@/shared/auth/session';
import { useMessages } from '@/shared/i18n/messages';
import { useFocusBack } from '@/shared/ui/focus-back';
import LoginScreen from './login-screen';

/**
 * The login over a page in the middle of something. It is a dialog itself, because only a dialog lies over another one that
 * may be open: keys and clicks go to it, and back to what was open once somebody is in again.
 */
export default function LoginLayer({ why }: { readonly why: SignedOutReason }) {
  const t = useMessages();
  const focusBack = useFocusBack();
  const stay = (event: Event) => event.preventDefault();
  return (
    <Radix.Root open>
      <Radix.Portal>
        <Radix.Content
          aria-describedby={undefined}
          onCloseAutoFocus={focusBack}
          onEscapeKeyDown={stay}
          onInteractOutside={stay}
          className="fixed inset-0 z-60 overflow-y-auto bg-bg outline-none"
        >
          <Radix.Title className="sr-only">{t('login.again')}</Radix.Title>
          <LoginScreen why={why} isOver />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
