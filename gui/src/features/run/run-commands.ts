//! What can be done on the page of a run, for the palette and the help of keys.
import { ChevronsRight, GitCompare, Play, RotateCcw } from 'lucide-react';
import { useMemo } from 'react';
import { useMessages } from '@/shared/i18n/messages';
import { type Command, useCommands } from '@/shared/ui/commands';

type Ask = {
  readonly canReplay: boolean;
  readonly onReplay: () => void;
  readonly onCompare: () => void;
  readonly onPlay: () => void;
  readonly onFollow: () => void;
};

const nothing = () => {};

export function useRunCommands({ canReplay, onReplay, onCompare, onPlay, onFollow }: Ask): void {
  const t = useMessages();
  useCommands(
    useMemo((): Command[] => {
      const group = t('keys.run');
      const key = (id: string, title: string, keys: string): Command => ({
        id: `run.${id}`,
        title,
        group,
        keys,
        isOnlyKeys: true,
        run: nothing,
      });
      return [
        {
          id: 'run.replay',
          title: t('run.replay'),
          group,
          icon: RotateCcw,
          isDisabled: !canReplay,
          run: onReplay,
        },
        { id: 'run.compare', title: t('run.compare'), group, icon: GitCompare, run: onCompare },
        { id: 'run.play', title: t('keys.run.play'), group, icon: Play, keys: ' ', run: onPlay },
        { id: 'run.follow', title: t('scrub.follow'), group, icon: ChevronsRight, run: onFollow },
        key('event', t('keys.run.event'), 'ArrowLeft / ArrowRight'),
        key('step', t('keys.run.step'), 'Shift+ArrowLeft / Shift+ArrowRight'),
        key('ends', t('keys.run.ends'), 'Home / End'),
        key('focus', t('keys.run.focus'), '[ / ]'),
        key('whole', t('keys.run.whole'), 'Escape'),
      ];
    }, [t, canReplay, onReplay, onCompare, onPlay, onFollow]),
  );
}
