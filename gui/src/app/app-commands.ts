//! Commands that are there on every page.
import { useNavigate } from '@tanstack/react-router';
import { Keyboard, Languages, LogOut, Moon, Sun, SunMoon } from 'lucide-react';
import { useMemo } from 'react';
import { signOut } from '@/shared/api/requests/sign-out';
import { chooseLanguage, LANGUAGES, useLanguage, useMessages } from '@/shared/i18n/messages';
import { chooseTheme, THEME_CHOICES } from '@/shared/theme/theme';
import type { Command } from '@/shared/ui/commands';
import { navPages } from './pages';
import { showKeys } from './shortcuts';

const THEME_ICONS = { system: SunMoon, light: Sun, dark: Moon } as const;

export function useAppCommands(): readonly Command[] {
  const t = useMessages();
  const language = useLanguage();
  const navigate = useNavigate();
  return useMemo(() => {
    const pages = navPages.map(
      (page): Command => ({
        id: `go ${page.path}`,
        title: t(page.nav.label),
        group: t('palette.go'),
        icon: page.nav.icon,
        run: () => void navigate({ to: page.path }),
      }),
    );
    const looks = THEME_CHOICES.map(
      (choice): Command => ({
        id: `theme ${choice}`,
        title: `${t('settings.theme')}: ${t(`settings.theme.${choice}`)}`,
        group: t('palette.here'),
        icon: THEME_ICONS[choice],
        run: () => chooseTheme(choice),
      }),
    );
    const others = Object.entries(LANGUAGES).filter(([code]) => code !== language);
    const languages = others.map(
      ([code, name]): Command => ({
        id: `language ${code}`,
        title: `${t('settings.language')}: ${name}`,
        group: t('palette.here'),
        icon: Languages,
        run: () => void chooseLanguage(code === 'id' ? 'id' : 'en'),
      }),
    );
    return [
      ...pages,
      { id: 'keys', title: t('keys.title'), group: t('palette.here'), icon: Keyboard, keys: '?', run: showKeys },
      ...looks,
      ...languages,
      {
        id: 'sign-out',
        title: t('access.sign_out'),
        group: t('palette.here'),
        icon: LogOut,
        // Settings say what is wrong when the node cannot be told.
        run: () => void signOut().catch(() => navigate({ to: '/settings' })),
      },
    ];
  }, [t, language, navigate]);
}
