import { Suspense } from 'react';
import type { Manifest } from '@/shared/api/types';
import { setConfig } from '@/shared/document/edits/config';
import { useCanEdit } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { lazily } from '@/shared/ui/lazily';
import { Prose } from '@/shared/ui/prose';
import { Loading } from '@/shared/ui/states';
import { useDesigner } from '../context';
import type { Card } from './card-of';

const Markdown = lazily(() => import('@/shared/ui/markdown'));

/** The docs page begins with title and summary; the title stands in the panel's head. */
const body = (manifest: Manifest): string => manifest.docs.replace(/^#[^\n]*\n+/, '').trim();

/** The component's own page: what it does, its ports, an example to begin with. */
export function DocsTab({ card, manifest }: { readonly card: Card; readonly manifest: Manifest }) {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  return (
    <section
      aria-label={t('panel.tab.docs')}
      tabIndex={0}
      className="scroll-thin flex h-full flex-col gap-4 overflow-y-auto p-4 focus-visible:-outline-offset-2"
    >
      <Suspense fallback={<Loading lines={4} />}>
        <Markdown text={body(manifest)} />
      </Suspense>
      <div>
        <h3>{t('panel.docs.ports')}</h3>
        <dl className="mt-1 grid grid-cols-[auto_1fr] gap-x-3 gap-y-1">
          {manifest.inputs.map((port) => (
            <Port key={`in ${port.name}`} name={`→ ${port.name}`} docs={port.docs} />
          ))}
          {manifest.outputs.map((port) => (
            <Port key={`out ${port.name}`} name={`${port.name} →`} docs={port.docs} />
          ))}
        </dl>
      </div>
      <div className="flex flex-col gap-2">
        <h3>{t('panel.docs.example')}</h3>
        <p className="text-muted">{manifest.example.title}</p>
        <pre tabIndex={0} className="scroll-thin overflow-x-auto rounded-control bg-raised p-3 font-mono text-meta">
          {JSON.stringify(manifest.example.config, null, 2)}
        </pre>
        <Button
          className="self-start"
          disabled={!canEdit}
          onClick={() =>
            editor.apply('panel.edit.example', setConfig([card.of, card.id, 'config'], manifest.example.config))
          }
        >
          {t('panel.docs.use')}
        </Button>
      </div>
    </section>
  );
}

function Port({ name, docs }: { readonly name: string; readonly docs: string }) {
  return (
    <>
      <dt className="font-mono text-meta leading-5">{name}</dt>
      <dd className="text-muted">
        <Prose text={docs} />
      </dd>
    </>
  );
}
