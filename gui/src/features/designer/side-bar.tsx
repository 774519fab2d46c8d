import { ListTree, Plus, X } from 'lucide-react';
import { useCanEdit } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { keyText } from '@/shared/ui/commands';
import { useBenchParts, useStoreValue } from './bench-context';
import { Outline } from './outline';
import { Palette } from './palette';

/** The components to build from, or the list of what is there, at the left over the canvas. */
export function SideBar() {
  const t = useMessages();
  const { model, commands, designer } = useBenchParts();
  const canEdit = useCanEdit(designer.editor);
  const open = useStoreValue(model.side);
  if (open === undefined) {
    return (
      <div className="absolute top-2 left-2 flex gap-1.5">
        {canEdit && (
          <Button onClick={commands.palette} title={`${t('designer.palette')} (${keyText('B')})`}>
            <Plus aria-hidden className="size-4" />
            {t('designer.palette')}
          </Button>
        )}
        <Button onClick={commands.outline} title={`${t('designer.do.outline')} (${keyText('L')})`}>
          <ListTree aria-hidden className="size-4" />
          {t('designer.outline')}
        </Button>
      </div>
    );
  }
  const title = t(open === 'palette' ? 'designer.palette' : 'designer.do.outline');
  return (
    <section
      aria-label={title}
      className="absolute inset-y-2 left-2 flex w-68 flex-col rounded-card border border-line bg-surface shadow-sm"
    >
      <div className="flex items-center justify-between py-1 pr-1 pl-3">
        <h2 className="font-semibold">{title}</h2>
        <IconButton
          label={t('common.close')}
          onClick={() => {
            model.side.set(undefined);
            model.canvas.current?.focus(model.stop.get());
          }}
        >
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
      {open === 'palette' ? <Palette /> : <Outline />}
    </section>
  );
}
