import { useMutation } from '@tanstack/react-query';
import { ChartNoAxesColumn, Cpu, FileBraces, GitBranch, type LucideIcon, Plus, Upload } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import type { Preset } from '../api/types';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Field, Input } from '../ui/field';
import { Problem } from '../ui/states';
import { nameFrom } from './naming';
import { blankPreset, useNewDraft, useOpenDraft } from './new-draft';
import { RECIPES, type RecipeName, recipe, recipeHint, recipeTitle } from './recipes';

const ICONS: Readonly<Record<RecipeName, LucideIcon>> = {
  machine: Cpu,
  log: ChartNoAxesColumn,
  git: GitBranch,
  order: FileBraces,
};

type NewDialogProps = { readonly onClose: () => void; readonly onImport: () => void };

/** A new workflow: an empty one, or one that does something already. */
export default function NewDialog({ onClose, onImport }: NewDialogProps) {
  const t = useMessages();
  const [title, setTitle] = useState('');
  const makeDraft = useNewDraft();
  const open = useOpenDraft();
  const make = useMutation({
    mutationFn: async (from: () => Preset | Promise<Preset>) => makeDraft(await from()),
    onSuccess: ({ id }) => {
      onClose();
      open(id);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const said = title.trim() || t('workflows.untitled');
    make.mutate(() => blankPreset(said, nameFrom(said), t('workflows.start')));
  };
  return (
    <Dialog title={t('workflows.new')} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-wrap items-end gap-3">
        <div className="min-w-48 flex-1">
          <Field label={t('workflows.title_of_new')}>
            {(ids) => (
              <Input
                {...ids}
                autoFocus
                maxLength={200}
                placeholder={t('workflows.untitled')}
                value={title}
                onChange={(event) => setTitle(event.target.value)}
              />
            )}
          </Field>
        </div>
        <Button type="submit" look="primary" disabled={make.isPending}>
          <Plus aria-hidden className="size-4" />
          {t('workflows.make_empty')}
        </Button>
      </form>
      <Problem error={make.error} />
      <section className="flex flex-col gap-2">
        <h3>{t('workflows.from_recipe')}</h3>
        <ul className="grid gap-2 sm:grid-cols-2">
          {RECIPES.map((name) => {
            const Icon = ICONS[name];
            return (
              <li key={name}>
                <button
                  type="button"
                  disabled={make.isPending}
                  onClick={() => make.mutate(() => recipe(name))}
                  className="flex h-full w-full gap-3 rounded-card border border-line bg-bg p-3 text-left hover:border-accent hover:bg-raised disabled:opacity-55"
                >
                  <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-muted" />
                  <span className="min-w-0">
                    <span className="block font-semibold">{t(recipeTitle(name))}</span>
                    <span className="block text-muted">{t(recipeHint(name))}</span>
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      </section>
      <p className="text-muted">
        {t('workflows.have_one')}{' '}
        <button type="button" className="text-accent underline" onClick={onImport}>
          <Upload aria-hidden className="mr-1 inline size-3.5" />
          {t('workflows.import')}
        </button>
      </p>
    </Dialog>
  );
}
