import { useMessages } from '@/shared/i18n/messages';
import { type Command, useOfferedCommands } from '@/shared/ui/commands';
import { Dialog } from '@/shared/ui/dialog';
import { Keys } from './command-palette';

/** Every key that works on this page. */
export default function KeysHelp({ onClose }: { readonly onClose: () => void }) {
  const t = useMessages();
  const offered = useOfferedCommands();
  const groups = new Map<string, Pick<Command, 'id' | 'title' | 'keys'>[]>();
  for (const command of offered) {
    if (!command.keys) continue;
    const list = groups.get(command.group) ?? [];
    list.push(command);
    groups.set(command.group, list);
  }
  groups.set(t('keys.everywhere'), [
    { id: 'palette', title: t('palette.title'), keys: 'Mod+K' },
    { id: 'keys', title: t('keys.title'), keys: '?' },
    { id: 'close', title: t('keys.back'), keys: 'Escape' },
  ]);
  return (
    <Dialog title={t('keys.title')} onClose={onClose}>
      <div
        className={groups.size > 1 ? 'gap-8 sm:columns-2' : ''}
        tabIndex={0}
        role="group"
        aria-label={t('keys.title')}
      >
        {[...groups].map(([group, commands]) => (
          <section key={group} className="mb-4 break-inside-avoid-column">
            <h3 className="pb-1">{group}</h3>
            <dl className="flex flex-col gap-1">
              {commands.map(({ id, title, keys }) => (
                <div key={id} className="flex items-center justify-between gap-3">
                  <dt className="min-w-0">{title}</dt>
                  <dd className="flex shrink-0 gap-1">
                    {/* Several keys for one command are told one by one. */}
                    {keys?.split(' / ').map((it) => (
                      <Keys key={it} keys={it} />
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
