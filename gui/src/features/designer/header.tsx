import { Link } from '@tanstack/react-router';
import {
  ChevronDown,
  ClipboardPaste,
  Copy,
  Download,
  Ellipsis,
  History,
  ListTree,
  Play,
  Redo2,
  SlidersHorizontal,
  Sparkles,
  StickyNote,
  TriangleAlert,
  Undo2,
} from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { setText } from '@/shared/document/edits/config';
import { useCanEdit, useCanRedo, useCanUndo, useSnapshot } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Menu } from '@/shared/ui/menu';
import { useNarrow } from '@/shared/ui/use-narrow';
import { useBenchParts, useSelection, useStoreValue } from './bench-context';
import { exportFile, wholeText } from './export';
import { useProblems } from './panel/problems';
import { People } from './people';
import { SyncChip } from './sync-chip';

/** The line above the canvas: the name, how the document stands, who is here, and what is done with the whole. */
export function Header() {
  const t = useMessages();
  const { model, commands, designer } = useBenchParts();
  const { editor } = designer;
  const isNarrow = useNarrow();
  const canEdit = useCanEdit(editor);
  const canUndo = useCanUndo(editor);
  const canRedo = useCanRedo(editor);
  const { problems, errors } = useProblems();
  const isAbout = useStoreValue(model.about);
  const open = (tab: 'problems' | 'versions') => model.bottom.set({ isOpen: true, tab });
  return (
    <header className="flex min-h-12 shrink-0 items-center gap-2 border-b border-line bg-surface px-2 md:px-3">
      <Link to="/workflows" className="hidden shrink-0 text-muted hover:text-text sm:inline" title={t('designer.back')}>
        {t('workflows.title')}
      </Link>
      <span aria-hidden className="hidden text-muted sm:inline">
        /
      </span>
      <Title />
      <SyncChip />
      <People />
      <div className="flex-1" />
      {!isNarrow && canEdit && (
        <>
          <IconButton label={t('designer.do.undo')} disabled={!canUndo} onClick={commands.undo}>
            <Undo2 aria-hidden className="size-4" />
          </IconButton>
          <IconButton label={t('designer.do.redo')} disabled={!canRedo} onClick={commands.redo}>
            <Redo2 aria-hidden className="size-4" />
          </IconButton>
        </>
      )}
      {!isNarrow && (
        <>
          <Button look="quiet" onClick={() => open('problems')}>
            <TriangleAlert
              aria-hidden
              className={`size-4 ${errors > 0 ? 'text-fail' : problems.length > 0 ? 'text-wait' : 'text-muted'}`}
            />
            {t('designer.problems')}
            {problems.length > 0 && <span className="font-semibold">{problems.length}</span>}
          </Button>
          <Button look="quiet" onClick={() => open('versions')}>
            <History aria-hidden className="size-4" />
            {t('designer.versions')}
          </Button>
        </>
      )}
      {!isNarrow && (
        <IconButton
          label={t('designer.about')}
          aria-pressed={isAbout}
          className="aria-pressed:bg-raised"
          onClick={() => {
            model.selection.set([]);
            model.about.set(!isAbout);
          }}
        >
          <SlidersHorizontal aria-hidden className="size-4" />
        </IconButton>
      )}
      <RunButton />
      <Menu
        label={t('designer.more')}
        trigger={
          <IconButton label={t('designer.more')}>
            <Ellipsis aria-hidden className="size-4" />
          </IconButton>
        }
        items={[
          {
            id: 'export',
            label: t('designer.do.export'),
            icon: Download,
            onSelect: () => exportFile(editor.snapshot().preset),
          },
          {
            id: 'copy',
            label: t('designer.do.copy_all'),
            icon: Copy,
            onSelect: () => void navigator.clipboard?.writeText(wholeText(editor.snapshot().preset)),
          },
          {
            id: 'import',
            label: t('designer.do.import'),
            icon: ClipboardPaste,
            isDisabled: !canEdit,
            onSelect: () => model.popup.set({ kind: 'import' }),
          },
          { id: 'tidy', label: t('designer.do.tidy'), icon: Sparkles, isDisabled: !canEdit, onSelect: commands.tidy },
          ...(isNarrow
            ? [
                {
                  id: 'note',
                  label: t('designer.do.note'),
                  icon: StickyNote,
                  isDisabled: !canEdit,
                  onSelect: commands.note,
                },
              ]
            : [{ id: 'outline', label: t('designer.do.outline'), icon: ListTree, onSelect: commands.outline }]),
        ]}
      />
    </header>
  );
}

/** The title, written in place. */
function Title() {
  const t = useMessages();
  const { designer } = useBenchParts();
  const { editor } = designer;
  const canEdit = useCanEdit(editor);
  const shown = useSnapshot(editor, ({ preset }) => preset.title || preset.name);
  const [draft, setDraft] = useState<string>();
  const field = useRef<HTMLInputElement>(null);
  const isWriting = draft !== undefined;
  useEffect(() => {
    if (isWriting) field.current?.select();
  }, [isWriting]);
  useEffect(() => {
    document.title = `${shown} · Flowork`;
  }, [shown]);
  const end = (isKept: boolean) => {
    if (isKept && draft !== undefined && draft.trim() !== '' && draft.trim() !== shown)
      editor.apply('designer.edit.title', setText(['title'], draft.trim()));
    setDraft(undefined);
  };
  return (
    <h1 className="min-w-0 text-title">
      {isWriting ? (
        <input
          ref={field}
          value={draft}
          aria-label={t('designer.rename')}
          className="w-full rounded-control border border-accent bg-surface px-1.5"
          onChange={(event) => setDraft(event.target.value)}
          onBlur={() => end(true)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' || event.key === 'Escape') end(event.key === 'Enter');
          }}
        />
      ) : canEdit ? (
        <button
          type="button"
          title={t('designer.rename')}
          className="block max-w-full truncate rounded-control border border-transparent px-1.5 text-left hover:border-control pointer-coarse:min-h-11"
          onClick={() => setDraft(shown)}
        >
          {shown}
        </button>
      ) : (
        <span className="block truncate px-1.5">{shown}</span>
      )}
    </h1>
  );
}

function RunButton() {
  const t = useMessages();
  const { model, commands } = useBenchParts();
  const selection = useSelection();
  const step = [...selection].map((id) => model.card(id)).find((card) => card?.kind === 'step');
  return (
    <div className="flex shrink-0">
      <Button
        needs="runner"
        look="primary"
        className="rounded-r-none!"
        onClick={commands.run}
        title={t('designer.run.all')}
      >
        <Play aria-hidden className="size-4" />
        {t('designer.run')}
      </Button>
      <Menu
        label={t('designer.run.menu')}
        trigger={
          <Button
            needs="runner"
            look="primary"
            className="rounded-l-none! border-l-on-accent/40! px-1.5!"
            aria-label={t('designer.run.menu')}
          >
            <ChevronDown aria-hidden className="size-4" />
          </Button>
        }
        items={[
          { id: 'all', label: t('designer.run.all'), onSelect: commands.run },
          ...(step
            ? [
                { id: 'until', label: t('designer.run.until', { name: step.name }), onSelect: commands['run.until'] },
                {
                  id: 'only',
                  label: t('designer.run.only', { name: step.name }),
                  needs: 'editor' as const,
                  onSelect: commands['run.only'],
                },
              ]
            : [{ id: 'hint', label: t('designer.run.choose'), isDisabled: true, onSelect: () => {} }]),
          { id: 'input', label: t('designer.run.input'), onSelect: () => model.popup.set({ kind: 'input' }) },
        ]}
      />
    </div>
  );
}
