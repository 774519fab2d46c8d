import { ClipboardPaste, FlaskConical, Play, Plus } from 'lucide-react';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { keyText } from '@/shared/ui/commands';
import { useBenchParts } from './bench-context';
import { addExample } from './example';

/** What to do first on an empty canvas. */
export function EmptyHint({ canEdit }: { readonly canEdit: boolean }) {
  const t = useMessages();
  const bench = useBenchParts();
  const { model, actions, designer } = bench;
  const manual = designer.manifests.get('manual');
  return (
    <div className="pointer-events-none absolute inset-0 flex items-center justify-center p-4">
      <div className="pointer-events-auto flex max-w-110 flex-col gap-4 rounded-card border border-line bg-surface p-5 shadow-sm">
        <div>
          <h2 className="text-title">{t('designer.empty')}</h2>
          <p className="text-muted">{t('designer.empty.hint')}</p>
        </div>
        {canEdit && (
          <>
            <div className="flex flex-wrap gap-2">
              {manual && (
                <Button
                  look="primary"
                  onClick={() => actions.add(manual, { at: { x: 0, y: 0 }, client: { x: 0, y: 0 } })}
                >
                  <Play aria-hidden className="size-4" />
                  {t('designer.empty.trigger')}
                </Button>
              )}
              <Button
                onClick={(event) => {
                  const box = event.currentTarget.getBoundingClientRect();
                  model.popup.set({
                    kind: 'add',
                    ask: { at: { x: 0, y: 0 }, client: { x: box.left, y: box.bottom } },
                  });
                }}
              >
                <Plus aria-hidden className="size-4" />
                {t('designer.empty.step')}
              </Button>
              <Button onClick={() => model.popup.set({ kind: 'import' })}>
                <ClipboardPaste aria-hidden className="size-4" />
                {t('designer.empty.paste')}
              </Button>
              <Button onClick={() => addExample(bench)}>
                <FlaskConical aria-hidden className="size-4" />
                {t('designer.empty.example')}
              </Button>
            </div>
            <p className="text-muted">{t('designer.empty.paste.hint', { keys: keyText('Mod+V') })}</p>
            <p className="text-muted">{t('designer.empty.example.hint')}</p>
          </>
        )}
      </div>
    </div>
  );
}

/** What to do when something starts the workflow and nothing is done yet. */
export function NextHint() {
  const t = useMessages();
  return (
    <p className="pointer-events-none absolute inset-x-4 bottom-16 mx-auto w-fit rounded-card border border-line bg-surface px-4 py-2 text-muted shadow-sm">
      {t('designer.empty.next', { keys: keyText('N') })}
    </p>
  );
}
