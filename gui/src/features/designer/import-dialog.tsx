import { useState } from 'react';
import { useMessages } from '@/shared/i18n/messages';
import { readFileText } from '@/shared/presets/file-text';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, TextArea } from '@/shared/ui/field';
import { Problem } from '@/shared/ui/states';
import { useBenchParts } from './bench-context';
import { pasteText } from './clipboard';

/** Pasting where the browser keeps the clipboard to itself, and files. */
export function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useMessages();
  const { model, actions } = useBenchParts();
  const [text, setText] = useState('');
  const [error, setError] = useState<unknown>();
  const read = (file: File) =>
    readFileText(file, (size) => t('workflows.import.too_large', { size })).then((it) => {
      setError(undefined);
      setText(it);
    }, setError);
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
          const file = event.target.files?.[0];
          if (file) void read(file);
        }}
      />
      <Problem error={error} />
      <Field label={t('designer.import.text')}>
        {(ids) => <TextArea {...ids} rows={12} value={text} onChange={(event) => setText(event.target.value)} />}
      </Field>
    </Dialog>
  );
}
