import { useState } from 'react';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, TextArea } from '@/shared/ui/field';
import { useBenchParts } from './bench-context';
import { pasteText } from './clipboard';

/** Pasting where the browser keeps the clipboard to itself, and files. */
export function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useMessages();
  const { model, actions } = useBenchParts();
  const [text, setText] = useState('');
  return (
    <Dialog
      title={t('designer.do.import')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            look="primary"
            disabled={text.trim() === ''}
            onClick={() => {
              if (pasteText(model, actions, text)) model.popup.set(undefined);
            }}
          >
            {t('designer.import.add')}
          </Button>
        </>
      }
    >
      <input
        type="file"
        accept=".json,application/json"
        aria-label={t('designer.import.text')}
        onChange={(event) => {
          void event.target.files?.[0]?.text().then(setText);
        }}
      />
      <Field label={t('designer.import.text')}>
        {(ids) => <TextArea {...ids} rows={12} value={text} onChange={(event) => setText(event.target.value)} />}
      </Field>
    </Dialog>
  );
}
