import { Upload } from 'lucide-react';
import { useState } from 'react';
import { keepFile } from '@/shared/api/requests/keep-file';
import type { Item } from '@/shared/api/types';
import { CodeEditor } from '@/shared/code/code-editor';
import { useValueBinding } from '@/shared/code/use-value-binding';
import { nameOf } from '@/shared/document/edits/cards';
import { pin } from '@/shared/document/edits/pins';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Problem } from '@/shared/ui/states';
import { useDesigner } from '../context';
import { readItems, writeItems } from './pinned-text';
import { useStepData } from './step-data';

type PinDialogProps = { readonly step: string; readonly port: string; readonly onClose: () => void };

/** Pinned data as JSON, to be written by hand; files are kept on the node and travel with an item. */
export function PinDialog({ step, port, onClose }: PinDialogProps) {
  const t = useMessages();
  const { editor } = useDesigner();
  const data = useStepData(step, 'out', port);
  const pinned = editor.snapshot().preset.steps?.[step]?.pin?.[port];
  const begin = pinned ?? data.data?.items ?? [{ json: {} }];
  const [text, setText] = useState(() => writeItems(begin));
  const [error, setError] = useState<unknown>();
  const [isKeeping, setIsKeeping] = useState(false);
  const binding = useValueBinding(text, setText);
  const items = readItems(text);
  const add = async (file: File | undefined) => {
    if (!file || !items) return;
    setIsKeeping(true);
    try {
      const blob = await keepFile(file);
      const [first = { json: {} }, ...rest] = items;
      const next: Item = { ...first, files: { ...first.files, [freeName(first, 'data')]: blob } };
      setText(writeItems([next, ...rest]));
      setError(undefined);
    } catch (failure) {
      setError(failure);
    } finally {
      setIsKeeping(false);
    }
  };
  return (
    <Dialog
      title={t('panel.pin.title', { name: nameOf(editor.snapshot().preset, step), port })}
      hint={t('panel.pin.hint', { shape: '{ "a": 1 }' })}
      onClose={onClose}
      footer={
        <>
          <label className="mr-auto">
            <input
              type="file"
              className="peer sr-only"
              disabled={!items || isKeeping}
              onChange={(event) => {
                void add(event.target.files?.[0]);
                event.target.value = '';
              }}
            />
            <span className="inline-flex min-h-8 cursor-pointer items-center gap-1.5 rounded-control border border-control px-3 peer-focus-visible:outline-2 peer-focus-visible:outline-accent peer-disabled:opacity-55 hover:bg-raised pointer-coarse:min-h-11">
              <Upload aria-hidden className="size-4" />
              {t('panel.pin.file')}
            </span>
          </label>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            look="primary"
            disabled={!items}
            onClick={() => {
              if (!items) return;
              editor.apply('panel.edit.pin', pin(step, { [port]: items }));
              onClose();
            }}
          >
            {t('panel.pin.save')}
          </Button>
        </>
      }
    >
      <CodeEditor
        label={t('panel.pin.title', { name: nameOf(editor.snapshot().preset, step), port })}
        binding={binding}
        reading="plain"
        language="json"
        rows={14}
        isBad={!items}
      />
      {!items && <p className="text-fail">{t('panel.pin.not_list')}</p>}
      <Problem error={error} />
    </Dialog>
  );
}

function freeName(item: Item, base: string): string {
  const taken = item.files ?? {};
  if (!(base in taken)) return base;
  for (let count = 2; ; count += 1) if (!(`${base}${count}` in taken)) return `${base}${count}`;
}
