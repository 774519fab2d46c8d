import { useMutation } from '@tanstack/react-query';
import { FileUp, Globe } from 'lucide-react';
import { useRef, useState } from 'react';
import { fetchPresetText } from '../api/requests/fetch-preset';
import { leaveForDesigner } from '../document/arriving';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Field, Input, TextArea } from '../ui/field';
import { Problem } from '../ui/states';
import { readFileText } from './file-text';
import { nameFrom } from './naming';
import { blankPreset, useNewDraft, useOpenDraft } from './new-draft';
import { type Brought, readImport } from './read-import';

/** The most characters that are shown; the rest is kept all the same. */
const SHOWN_MAX = 100_000;

type ImportDialogProps = { readonly text: string; readonly onClose: () => void };

/** Brings a workflow in: pasted, from a file, from an address. What it is is said before anything is made of it. */
export default function ImportDialog({ text: given, onClose }: ImportDialogProps) {
  const t = useMessages();
  const [text, setText] = useState(given);
  const [url, setUrl] = useState('');
  const file = useRef<HTMLInputElement>(null);
  const makeDraft = useNewDraft();
  const open = useOpenDraft();
  const brought = readImport(text);
  const read = useMutation({
    mutationFn: (from: File) => readFileText(from, (size) => t('workflows.import.too_large', { size })),
    onSuccess: setText,
  });
  const fetched = useMutation({ mutationFn: () => fetchPresetText(url.trim()), onSuccess: setText });
  const bring = useMutation({
    mutationFn: async () => {
      if (brought.kind === 'flowork') return (await makeDraft(brought.preset)).id;
      if (brought.kind !== 'n8n') return undefined;
      // What brings its own trigger needs no other.
      const start = brought.hasTrigger ? undefined : t('workflows.start');
      const { id } = await makeDraft(blankPreset(brought.title, nameFrom(brought.title), start));
      leaveForDesigner(id, text);
      return id;
    },
    onSuccess: (id) => {
      if (id === undefined) return;
      onClose();
      open(id);
    },
  });
  const canBring = brought.kind === 'flowork' || brought.kind === 'n8n';
  return (
    <Dialog
      title={t('workflows.import')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" disabled={!canBring || bring.isPending} onClick={() => bring.mutate()}>
            {t('workflows.import.bring')}
          </Button>
        </>
      }
    >
      <div className="flex flex-wrap items-end gap-3">
        <input
          ref={file}
          type="file"
          accept=".json,application/json"
          className="hidden"
          aria-label={t('workflows.import.file')}
          onChange={(event) => {
            const chosen = event.target.files?.[0];
            if (chosen) read.mutate(chosen);
            // The same file may be chosen again after it was changed.
            event.target.value = '';
          }}
        />
        <Button onClick={() => file.current?.click()}>
          <FileUp aria-hidden className="size-4" />
          {t('workflows.import.file')}
        </Button>
        <form
          className="flex min-w-60 flex-1 items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            fetched.mutate();
          }}
        >
          <div className="flex-1">
            <Input
              type="url"
              aria-label={t('workflows.import.url')}
              placeholder="https://…"
              value={url}
              onChange={(event) => setUrl(event.target.value)}
            />
          </div>
          <Button type="submit" disabled={!/^https?:\/\/./.test(url.trim()) || fetched.isPending}>
            <Globe aria-hidden className="size-4" />
            {t('workflows.import.fetch')}
          </Button>
        </form>
      </div>
      <Problem error={read.error ?? fetched.error} />
      <Field label={t('workflows.import.text')} hint={t('workflows.import.text.hint')}>
        {(ids) => (
          <TextArea
            {...ids}
            rows={10}
            placeholder={'{ "flowork": "preset/1", … }'}
            readOnly={text.length > SHOWN_MAX}
            value={text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <p role="status" className={brought.kind === 'no-json' || brought.kind === 'unknown' ? 'text-fail' : ''}>
        <Said brought={brought} />
      </p>
      <Problem error={bring.error} />
    </Dialog>
  );
}

function Said({ brought }: { readonly brought: Brought }) {
  const t = useMessages();
  switch (brought.kind) {
    case 'flowork':
      return t('workflows.import.flowork', { title: brought.title, count: brought.steps });
    case 'n8n':
      return t('workflows.import.n8n', { title: brought.title, count: brought.nodes });
    case 'unknown':
      return t('workflows.import.unknown');
    case 'no-json':
      return t('workflows.import.no_json', { why: brought.why });
    default:
      return '';
  }
}
