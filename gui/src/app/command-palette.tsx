import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Command as Cmdk } from 'cmdk';
import { History, Search, Workflow } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { useMemo, useState } from 'react';
import { fetchJobs, NO_FILTER } from '@/shared/api/requests/jobs';
import { presetsQuery } from '@/shared/api/requests/presets';
import { moment, shortId } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { type Command, keyText, useOfferedCommands } from '@/shared/ui/commands';
import { findCommands } from '@/shared/ui/find-commands';
import { useFocusBack } from '@/shared/ui/focus-back';
import { stateLabel } from '@/shared/ui/status';
import { useAppCommands } from './app-commands';

/** The most commands that are shown at once. */
const SHOWN_MAX = 80;
/** How many runs and workflows stand there before anything is typed. */
const FIRST_FEW = 5;
const RECENT_RUNS = 100;
/** Ids of runs are 25 letters and digits. */
const RUN_ID = /^[0-9a-hjkmnp-tv-z]{25,26}$/;

/** Everything that can be done, by typing: commands of the page, pages, workflows, runs. */
export default function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const t = useMessages();
  const focusBack = useFocusBack();
  const [typed, setTyped] = useState('');
  const offered = useOfferedCommands();
  const app = useAppCommands();
  const { workflows, runs } = useThings(typed);
  const shown = useMemo(() => {
    const usable = (all: readonly Command[]) => all.filter((it) => !it.isOnlyKeys && !it.isDisabled);
    const isTyped = typed.trim() !== '';
    const things = isTyped ? [...workflows, ...runs] : [...workflows.slice(0, FIRST_FEW), ...runs.slice(0, FIRST_FEW)];
    return findCommands([...usable(offered), ...things, ...usable(app)], typed, SHOWN_MAX);
  }, [offered, app, workflows, runs, typed]);
  const asked = useAsked(typed);
  const groups = new Map<string, Command[]>();
  for (const command of [...shown, ...asked]) {
    const list = groups.get(command.group) ?? [];
    list.push(command);
    groups.set(command.group, list);
  }
  const run = (command: Command) => {
    onClose();
    // The palette gives the focus back first, which takes a turn, so that the command finds it where it was.
    setTimeout(() => setTimeout(command.run));
  };
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-[#0008]" />
        <Radix.Content
          aria-describedby={undefined}
          onCloseAutoFocus={focusBack}
          className="fixed inset-x-2 top-2 z-50 flex max-h-[80dvh] flex-col overflow-hidden rounded-card border border-line bg-surface shadow-2xl sm:inset-x-auto sm:top-[12dvh] sm:left-1/2 sm:max-h-[70dvh] sm:w-[min(40rem,calc(100vw-3rem))] sm:-translate-x-1/2"
        >
          <Radix.Title className="sr-only">{t('palette.title')}</Radix.Title>
          <Cmdk shouldFilter={false} loop label={t('palette.title')} className="flex min-h-0 flex-col">
            <div className="flex items-center gap-2 border-b border-line px-3">
              <Search aria-hidden className="size-4 shrink-0 text-muted" />
              <Cmdk.Input
                value={typed}
                onValueChange={setTyped}
                placeholder={t('palette.hint')}
                className="h-11 min-w-0 flex-1 bg-transparent text-form outline-none placeholder:text-muted"
              />
            </div>
            <Cmdk.List label={t('palette.list')} className="scroll-thin min-h-0 flex-1 overflow-y-auto p-1">
              <Cmdk.Empty className="px-3 py-6 text-center text-muted">{t('palette.none')}</Cmdk.Empty>
              {[...groups].map(([group, commands]) => (
                <Cmdk.Group
                  key={group}
                  heading={group}
                  className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-meta [&_[cmdk-group-heading]]:text-muted"
                >
                  {commands.map((command) => (
                    <Cmdk.Item
                      key={command.id}
                      value={command.id}
                      onSelect={() => run(command)}
                      className="flex min-h-9 cursor-pointer items-center gap-2.5 rounded-control px-2.5 data-[selected=true]:bg-raised pointer-coarse:min-h-11"
                    >
                      {command.icon ? (
                        <command.icon aria-hidden className="size-4 shrink-0 text-muted" />
                      ) : (
                        <span className="size-4" />
                      )}
                      <span className="min-w-0 flex-1 truncate">{command.title}</span>
                      {command.keys && <Keys keys={command.keys.split(' / ')[0] ?? ''} />}
                    </Cmdk.Item>
                  ))}
                </Cmdk.Group>
              ))}
            </Cmdk.List>
          </Cmdk>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export const Keys = ({ keys }: { readonly keys: string }) => (
  <kbd className="rounded-control border border-line bg-bg px-1.5 font-sans text-meta whitespace-nowrap text-muted">
    {keyText(keys)}
  </kbd>
);

/** Workflows and runs as commands that open them. */
function useThings(typed: string) {
  const t = useMessages();
  const navigate = useNavigate();
  const drafts = useQuery(presetsQuery);
  const jobs = useQuery({
    queryKey: ['recent', 'palette'],
    queryFn: ({ signal }) => fetchJobs(NO_FILTER, undefined, RECENT_RUNS, signal),
  });
  const workflows = useMemo(
    () =>
      [...(drafts.data ?? [])]
        .sort((one, other) => other.changed_at - one.changed_at)
        .map(
          (draft): Command => ({
            id: `open-workflow ${draft.id}`,
            title: draft.title || draft.name,
            words: draft.name,
            group: t('nav.workflows'),
            icon: Workflow,
            run: () => void navigate({ to: '/workflows/$preset', params: { preset: draft.id } }),
          }),
        ),
    [drafts.data, navigate, t],
  );
  const wanted = typed.trim();
  const runs = useMemo((): Command[] => {
    const open = (id: string) => () => void navigate({ to: '/runs/$job', params: { job: id } });
    const known = (jobs.data?.jobs ?? []).map(
      (job): Command => ({
        id: `open-run ${job.id}`,
        title: `${job.name} ${shortId(job.id)} · ${t(stateLabel(job.state))} · ${moment(job.accepted_at)}`,
        words: job.id,
        group: t('nav.runs'),
        icon: History,
        run: open(job.id),
      }),
    );
    if (!RUN_ID.test(wanted) || known.some((it) => it.words === wanted)) return known;
    return [
      {
        id: `open-run ${wanted}`,
        title: t('palette.run', { id: wanted }),
        words: wanted,
        group: t('nav.runs'),
        run: open(wanted),
      },
      ...known,
    ];
  }, [jobs.data, navigate, t, wanted]);
  return { workflows, runs };
}

/** What can be asked of the node with the typed words. */
function useAsked(typed: string): readonly Command[] {
  const t = useMessages();
  const navigate = useNavigate();
  const text = typed.trim();
  if (text === '' || RUN_ID.test(text)) return [];
  return [
    {
      id: 'search-runs',
      title: t('palette.search_runs', { text }),
      group: t('palette.search'),
      icon: Search,
      run: () => void navigate({ to: '/runs', search: { text } }),
    },
  ];
}
