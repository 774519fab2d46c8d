import { useSyncExternalStore } from 'react';
import type { Manifest } from '@/shared/api/types';
import { codeFields } from '@/shared/document/edits/cards';
import { useCanEdit } from '@/shared/document/use-editor';
import { shortId } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { FailureNote } from '@/shared/jobs/failure-note';
import { Button } from '@/shared/ui/button';
import { useDesigner } from '../context';
import { lastRun } from '../data';
import { type Card, cardOf } from './card-of';
import { failedPlace } from './failed-place';
import { useIsOld } from './step-data';

/** Why the step failed in the run that the canvas shows, and the way to where it did. */
export function Failed({ card, manifest }: { readonly card: Card; readonly manifest: Manifest | undefined }) {
  const t = useMessages();
  const designer = useDesigner();
  const view = useSyncExternalStore(designer.run.subscribe, designer.run.view);
  const canEdit = useCanEdit(designer.editor);
  const isOld = useIsOld(card.id);
  const run = view?.runs.get(lastRun(view, card.id) ?? '');
  if (!run?.error || run.status !== 'failed') return null;
  const { place } = run.error;
  const found = failedPlace(place ?? '', card.card.config ?? {}, manifest ? codeFields(manifest) : []);
  const go = () => {
    if (!found || !cardOf(designer.editor.snapshot().preset, card.id)) return;
    designer.panel.set({
      ...designer.panel.get(),
      place: [card.of, card.id, 'config', ...found.path],
      line: found.line,
    });
  };
  return (
    <FailureNote
      failure={run.error}
      former={isOld ? t('panel.failed.old', { run: shortId(designer.run.job() ?? '') }) : undefined}
    >
      {found && canEdit && !isOld && (
        <Button look="quiet" onClick={go}>
          {t('panel.failed.go')}
        </Button>
      )}
    </FailureNote>
  );
}
