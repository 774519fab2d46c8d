import { useQuery, useQueryClient } from '@tanstack/react-query';
import { GitCompare, Play, Power, PowerOff, Undo2 } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { activationsQuery, deactivate } from '@/shared/api/requests/activations';
import { startJob } from '@/shared/api/requests/start-job';
import { versionQuery } from '@/shared/api/requests/version';
import { activateVersion, freeze } from '@/shared/api/requests/version-actions';
import { fetchVersions } from '@/shared/api/requests/versions';
import type { Preset } from '@/shared/api/types';
import { replaceWhole } from '@/shared/document/edits/whole';
import type { DrawnPreset } from '@/shared/document/types';
import { useCanEdit, useSnapshot } from '@/shared/document/use-editor';
import { fullTime, shortHash } from '@/shared/format/format';
import { diffPresets } from '@/shared/graph/preset-diff';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Input, Select } from '@/shared/ui/field';
import { Problem, Ready } from '@/shared/ui/states';
import { useDesigner } from '../context';
import { comparedOf } from './compared';
import { DiffList } from './diff-list';

type Version = Awaited<ReturnType<typeof fetchVersions>>[number];
/** Stands for the draft where a version is chosen. */
const DRAFT = '';

/** The versions of the workflow: made, run, compared, brought back, put into force. */
export function VersionsPanel() {
  const { editor } = useDesigner();
  const versions = useQuery({
    queryKey: ['versions', editor.id],
    queryFn: ({ signal }) => fetchVersions(editor.id, signal),
  });
  return (
    <Ready of={versions} lines={3}>
      {(list) => <Versions list={list} />}
    </Ready>
  );
}

type Pair = { readonly before: string; readonly after: string };

function Versions({ list }: { readonly list: readonly Version[] }) {
  const t = useMessages();
  const [pair, setPair] = useState<Pair>();
  const [error, setError] = useState<unknown>();
  return (
    <div className="@container h-full min-h-0">
      <div className="flex h-full min-h-0 flex-col overflow-y-auto @2xl:flex-row @2xl:overflow-hidden">
        <section
          aria-label={t('versions.list')}
          tabIndex={0}
          className="scroll-thin shrink-0 p-3 focus-visible:-outline-offset-2 @2xl:w-100 @2xl:overflow-y-auto @2xl:border-r @2xl:border-line"
        >
          <Freeze onError={setError} />
          <Problem error={error} />
          {list.length === 0 && <p className="py-3 text-muted">{t('versions.none')}</p>}
          <ul className="mt-2 flex flex-col">
            {list.map((version) => (
              <VersionLine
                key={version.id}
                version={version}
                isShown={pair?.before === version.id}
                onCompare={() =>
                  setPair(pair?.before === version.id ? undefined : { before: version.id, after: DRAFT })
                }
                onError={setError}
              />
            ))}
          </ul>
        </section>
        <div className="scroll-thin min-h-0 min-w-0 flex-1 @2xl:overflow-y-auto">
          {pair ? (
            <Comparison list={list} pair={pair} onPair={setPair} />
          ) : (
            <p className="p-4 text-muted">{t('versions.compare.hint')}</p>
          )}
        </div>
      </div>
    </div>
  );
}

function Freeze({ onError }: { readonly onError: (error: unknown) => void }) {
  const t = useMessages();
  const { editor, say } = useDesigner();
  const queries = useQueryClient();
  const canEdit = useCanEdit(editor);
  const [label, setLabel] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const keep = async () => {
    setIsBusy(true);
    onError(undefined);
    try {
      // Exactly what is on the screen: the node must have it first.
      const heads = await editor.saved();
      const made = await freeze(editor.id, heads, label.trim() || undefined);
      await queries.invalidateQueries({ queryKey: ['versions', editor.id] });
      setLabel('');
      say(t('versions.made', { name: made.label ?? shortHash(made.id) }));
    } catch (error) {
      onError(error);
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <form
      className="flex gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        void keep();
      }}
    >
      <Input
        aria-label={t('versions.label')}
        placeholder={t('versions.label')}
        value={label}
        maxLength={200}
        onChange={(event) => setLabel(event.target.value)}
      />
      <Button type="submit" disabled={!canEdit || isBusy}>
        {t('versions.freeze')}
      </Button>
    </form>
  );
}

type VersionLineProps = {
  readonly version: Version;
  readonly isShown: boolean;
  readonly onCompare: () => void;
  readonly onError: (error: unknown) => void;
};

function VersionLine({ version, isShown, onCompare, onError }: VersionLineProps) {
  const t = useMessages();
  const { editor, run, say } = useDesigner();
  const queries = useQueryClient();
  const canEdit = useCanEdit(editor);
  const activations = useQuery(activationsQuery);
  const isActive = activations.data?.some((it) => it.version === version.id) ?? false;
  const name = version.label || shortHash(version.id);
  const act = async (what: () => Promise<unknown>) => {
    onError(undefined);
    try {
      await what();
    } catch (error) {
      onError(error);
    }
  };
  const restore = async () => {
    const { preset } = await queries.fetchQuery(versionQuery(version.id));
    const now = editor.snapshot().preset;
    // Notes and frames are no part of a version: those of the draft stay.
    const target: DrawnPreset = { ...preset, notes: now.notes, groups: now.groups };
    editor.apply('panel.edit.restore', replaceWhole(now, target));
    say(t('versions.restored', { name }));
  };
  const toggle = async () => {
    if (isActive) await deactivate(editor.id);
    else await activateVersion(editor.id, version.id);
    await queries.invalidateQueries({ queryKey: activationsQuery.queryKey });
  };
  return (
    <li className={`flex flex-wrap items-center gap-x-1 rounded-control py-1 pl-2 ${isShown ? 'bg-raised' : ''}`}>
      <div className="min-w-32 flex-1">
        <span className={version.label ? 'font-semibold' : 'font-mono'}>{name}</span>
        {isActive && (
          <span className="ml-2 rounded-full border border-ok px-1.5 text-meta text-ok">{t('versions.active')}</span>
        )}
        <span className="block text-meta text-muted">
          <time dateTime={new Date(version.frozen_at).toISOString()}>{fullTime(version.frozen_at)}</time>
          {version.label && (
            <>
              {' · '}
              <code className="font-mono">{shortHash(version.id)}</code>
            </>
          )}
        </span>
      </div>
      <IconButton
        needs="runner"
        label={t('versions.run', { name })}
        onClick={() => void act(async () => run.choose(await startJob({ version: version.id }, crypto.randomUUID())))}
      >
        <Play aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={t('versions.compare', { name })} aria-pressed={isShown} onClick={onCompare}>
        <GitCompare aria-hidden className={`size-4 ${isShown ? 'text-accent' : ''}`} />
      </IconButton>
      <IconButton label={t('versions.restore', { name })} disabled={!canEdit} onClick={() => void act(restore)}>
        <Undo2 aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={isActive ? t('versions.deactivate', { name }) : t('versions.activate', { name })}
        disabled={!canEdit}
        onClick={() => void act(toggle)}
      >
        {isActive ? <PowerOff aria-hidden className="size-4" /> : <Power aria-hidden className="size-4" />}
      </IconButton>
    </li>
  );
}

type ComparisonProps = {
  readonly list: readonly Version[];
  readonly pair: Pair;
  readonly onPair: (pair: Pair | undefined) => void;
};

function Comparison({ list, pair, onPair }: ComparisonProps) {
  const t = useMessages();
  const { editor } = useDesigner();
  const draft = useSnapshot(editor, (snapshot) => snapshot.preset);
  const before = useQuery({ ...versionQuery(pair.before), enabled: pair.before !== DRAFT });
  const after = useQuery({ ...versionQuery(pair.after), enabled: pair.after !== DRAFT });
  const one = (pair.before === DRAFT ? draft : before.data?.preset) as Preset | undefined;
  const other = (pair.after === DRAFT ? draft : after.data?.preset) as Preset | undefined;
  const diff = useMemo(() => (one && other ? diffPresets(one, other) : undefined), [one, other]);
  useEffect(() => {
    if (one && other && diff)
      comparedOf(editor).set({ before: one, after: other, diff, isDraft: pair.after === DRAFT });
  }, [editor, one, other, diff, pair.after]);
  useEffect(() => () => comparedOf(editor).set(undefined), [editor]);
  const choice = (value: string, label: string, onChange: (id: string) => void) => (
    <Select
      aria-label={label}
      className="w-auto! min-w-40"
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value={DRAFT}>{t('versions.draft')}</option>
      {list.map((version) => (
        <option key={version.id} value={version.id}>
          {version.label || shortHash(version.id)}
        </option>
      ))}
    </Select>
  );
  const label = t('versions.differences');
  return (
    <section aria-label={label}>
      <div className="sticky top-0 z-10 flex flex-wrap items-center gap-2 border-b border-line bg-surface px-3 py-1.5">
        {choice(pair.before, t('versions.from'), (before) => onPair({ ...pair, before }))}
        <span aria-hidden>→</span>
        {choice(pair.after, t('versions.to'), (after) => onPair({ ...pair, after }))}
        <span className="flex-1 text-right text-meta text-muted">
          {diff && t('versions.count', { count: diff.changes.length })}
        </span>
        <Button look="quiet" onClick={() => onPair(undefined)}>
          {t('common.close')}
        </Button>
      </div>
      <Problem error={before.error ?? after.error} />
      {diff && <DiffList diff={diff} label={label} />}
    </section>
  );
}
