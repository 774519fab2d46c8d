import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { FileX } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { isMissing } from '@/shared/api/problem';
import { presetQuery } from '@/shared/api/requests/presets';
import type { Preset } from '@/shared/api/types';
import { openEditor } from '@/shared/document/editor';
import type { PresetEditor } from '@/shared/document/types';
import { useSync } from '@/shared/document/use-editor';
import type { Manifests } from '@/shared/graph/model';
import { useMessages } from '@/shared/i18n/messages';
import { useComponents } from '@/shared/manifests/use-components';
import { useNewDraft, useOpenDraft } from '@/shared/presets/new-draft';
import { Button, buttonClass } from '@/shared/ui/button';
import { Empty, Failed, Loading, Problem } from '@/shared/ui/states';
import { Workbench } from './workbench';

/** An id of a document, as links of this page have it; a name is looked up first. */
const isId = (which: string): boolean => /^[1-9A-HJ-NP-Za-km-z]{20,}$/.test(which);

/** The designer of one workflow. */
export default function DesignerPage() {
  const { preset = '' } = useParams({ strict: false }) as { preset?: string };
  const t = useMessages();
  const named = useQuery({ ...presetQuery(preset), enabled: !isId(preset) });
  if (isId(preset)) return <Opened key={preset} id={preset} />;
  if (named.data) return <Opened key={named.data.id} id={named.data.id} />;
  return (
    <>
      <h1 className="sr-only">{t('designer.title')}</h1>
      {isMissing(named.error) ? (
        <Gone />
      ) : named.error ? (
        <Failed error={named.error} retry={() => void named.refetch()} />
      ) : (
        <Loading lines={12} />
      )}
    </>
  );
}

function Gone({ children }: { readonly children?: ReactNode }) {
  const t = useMessages();
  return (
    <Empty icon={<FileX aria-hidden />} title={t('designer.gone')}>
      <p>{t('designer.gone.hint')}</p>
      {children}
      <Link to="/workflows" className={buttonClass()}>
        {t('designer.back')}
      </Link>
    </Empty>
  );
}

/** It was there once: what this browser still has of it is offered when the node never got it, and forgotten else. */
function Deleted({ editor }: { readonly editor: PresetEditor }) {
  const t = useMessages();
  const make = useNewDraft();
  const open = useOpenDraft();
  const [{ preset, heads }] = useState(() => editor.snapshot());
  const [isUnsent, setUnsent] = useState(() => editor.hasUnsent());
  useEffect(() => {
    if (!isUnsent) editor.forget();
  }, [editor, isUnsent]);
  const keep = useMutation({
    mutationFn: () => make(preset as Preset),
    onSuccess: ({ id }) => {
      setUnsent(false);
      open(id);
    },
  });
  return (
    <Gone>
      {heads.length > 0 && (
        <>
          {isUnsent && <p>{t('designer.gone.unsent')}</p>}
          <div className="flex flex-wrap justify-center gap-2">
            <Button needs="editor" look="primary" disabled={keep.isPending} onClick={() => keep.mutate()}>
              {t('designer.gone.keep')}
            </Button>
            {isUnsent && <Button onClick={() => setUnsent(false)}>{t('designer.gone.forget')}</Button>}
          </div>
          <Problem error={keep.error} />
        </>
      )}
    </Gone>
  );
}

/** An editor for as long as the page is there. */
function useEditor(id: string): PresetEditor | undefined {
  const [editor, setEditor] = useState<PresetEditor>();
  useEffect(() => {
    const opened = openEditor(id);
    setEditor(opened);
    return () => {
      setEditor(undefined);
      opened.close();
    };
  }, [id]);
  return editor;
}

function Opened({ id }: { readonly id: string }) {
  const t = useMessages();
  const editor = useEditor(id);
  const components = useComponents();
  const manifests = useMemo(
    (): Manifests | undefined => components.data && new Map(components.data.map((it) => [it.name, it])),
    [components.data],
  );
  const waiting = (
    <>
      <h1 className="sr-only">{t('designer.title')}</h1>
      <Loading lines={12} />
    </>
  );
  if (components.error && !manifests) {
    return (
      <>
        <h1 className="sr-only">{t('designer.title')}</h1>
        <Failed error={components.error} retry={() => void components.refetch()} />
      </>
    );
  }
  if (!editor || !manifests) return waiting;
  return <WhenThere editor={editor} manifests={manifests} waiting={waiting} />;
}

type WhenThereProps = {
  readonly editor: PresetEditor;
  readonly manifests: Manifests;
  readonly waiting: React.ReactNode;
};

function WhenThere({ editor, manifests, waiting }: WhenThereProps) {
  const t = useMessages();
  const sync = useSync(editor);
  // What was there once stays on the screen, however the connection stands.
  const hasDocument = editor.snapshot().heads.length > 0;
  if (sync === 'gone') {
    return (
      <>
        <h1 className="sr-only">{t('designer.title')}</h1>
        <Deleted editor={editor} />
      </>
    );
  }
  if (!hasDocument) return waiting;
  return <Workbench editor={editor} manifests={manifests} />;
}
