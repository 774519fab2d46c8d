import { type ReactNode, Suspense, useMemo } from 'react';
import type { Manifest } from '@/shared/api/types';
import { inline } from '@/shared/data/shape';
import { iconOf } from '@/shared/graph/canvas/icons';
import { type PlainKey, useMessages } from '@/shared/i18n/messages';
import { lazily } from '@/shared/ui/lazily';
import { Facts } from '@/shared/ui/page';
import { Prose } from '@/shared/ui/prose';
import { Loading } from '@/shared/ui/states';
import { type Option, optionsOf } from './options';

const Markdown = lazily(() => import('@/shared/ui/markdown'));

/** The docs page of a component begins with its title and summary, which stand above it here. */
function body(manifest: Manifest): string {
  return manifest.docs
    .replace(/^#[^\n]*\n+/, '')
    .replace(manifest.summary, '')
    .trim();
}

export function ComponentDetail({ manifest }: { readonly manifest: Manifest }) {
  const t = useMessages();
  const Icon = iconOf(manifest.name, manifest.category);
  const options = useMemo(() => optionsOf(manifest.config), [manifest]);
  const { hosts, read, write, paths_from_config } = manifest.permissions;
  const may = [
    ...(hosts?.length ? [t('components.may.hosts', { list: hosts.join(', ') })] : []),
    ...(read?.length ? [t('components.may.read', { list: read.join(', ') })] : []),
    ...(write?.length ? [t('components.may.write', { list: write.join(', ') })] : []),
    ...(paths_from_config ? [t('components.may.config')] : []),
  ];
  return (
    <section
      aria-label={manifest.title}
      tabIndex={0}
      className="scroll-thin flex-1 overflow-y-auto p-4 focus-visible:-outline-offset-2 md:p-6"
    >
      <div className="flex max-w-190 flex-col gap-5">
        <header className="flex items-start gap-3">
          <span className="rounded-card border border-line bg-surface p-2.5">
            <Icon aria-hidden className="size-5 text-muted" />
          </span>
          <div>
            <h2 className="text-page">{manifest.title}</h2>
            <p className="text-muted">
              <Prose text={manifest.summary} />
            </p>
          </div>
        </header>
        <Facts
          rows={[
            [
              t('components.name'),
              <code className="font-mono" key="name">
                {manifest.name}
              </code>,
            ],
            [t('components.version'), manifest.version],
            [t('timing.effect'), t(`effect.${manifest.effect}`)],
            [t('components.may'), may.length > 0 ? may.join('; ') : t('components.may.nothing')],
          ]}
        />
        {/* The pages of docs are written in English. */}
        <div lang="en">
          <Suspense fallback={<Loading lines={4} />}>
            <Markdown text={body(manifest)} />
          </Suspense>
        </div>
        <Table
          title={t('components.ports')}
          head={[t('components.port'), t('components.what')]}
          rows={[
            ...manifest.inputs.map((port) => ({ name: `→ ${port.name}`, docs: <Prose text={port.docs} /> })),
            ...manifest.outputs.map((port) => ({ name: `${port.name} →`, docs: <Prose text={port.docs} /> })),
          ]}
        />
        {options.length > 0 && (
          <Table
            title={t('components.options')}
            head={[t('components.option'), t('components.what'), t('components.default')]}
            rows={options.map((option) => ({
              name: option.name,
              docs: <OptionDocs option={option} />,
              fallback: option.fallback === undefined ? '' : inline(option.fallback),
            }))}
          />
        )}
        <div>
          <h3 className="text-title">{t('components.example')}</h3>
          <p className="text-muted">{manifest.example.title}</p>
          <pre
            tabIndex={0}
            className="scroll-thin mt-2 overflow-x-auto rounded-control bg-raised p-3 font-mono text-meta"
          >
            {JSON.stringify(manifest.example.config, null, 2)}
          </pre>
        </div>
      </div>
    </section>
  );
}

/** What an option is for, and below it what it takes. */
function OptionDocs({ option }: { readonly option: Option }) {
  const t = useMessages();
  const types = option.types.map((type) => (type in TYPES ? t(TYPES[type as keyof typeof TYPES]) : type));
  const takes = [
    option.isRequired ? t('components.required') : '',
    option.choices.length > 0 ? t('components.one_of', { list: option.choices.join(', ') }) : types.join(' / '),
  ].filter(Boolean);
  return (
    <>
      <Prose text={option.docs} />
      {takes.length > 0 && <span className="block text-meta text-muted">{takes.join(' · ')}</span>}
    </>
  );
}

/** The types of JSON Schema in words. */
const TYPES = {
  string: 'components.type.string',
  integer: 'components.type.integer',
  number: 'components.type.number',
  boolean: 'components.type.boolean',
  array: 'components.type.array',
  object: 'components.type.object',
} as const satisfies Record<string, PlainKey>;

type Row = { readonly name: string; readonly docs: ReactNode; readonly fallback?: string };
type TableProps = { readonly title: string; readonly head: readonly string[]; readonly rows: readonly Row[] };

/** What stands beside the docs on a wide screen; a phone says it below them. */
const WIDE_ONLY = 'w-36 max-md:hidden';

function Table({ title, head, rows }: TableProps) {
  const t = useMessages();
  return (
    <table className="w-full table-fixed">
      <caption className="pb-1 text-left text-title font-semibold">{title}</caption>
      <thead>
        <tr className="text-left text-meta text-muted">
          {head.map((it, at) => (
            <th key={it} scope="col" className={`py-1 pr-4 ${['w-44 max-md:w-28', '', WIDE_ONLY][at]}`}>
              {it}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, docs, fallback }) => (
          <tr key={name} className="border-t border-line align-top">
            <th scope="row" className="py-1.5 pr-4 text-left font-mono font-normal break-words">
              {name}
            </th>
            <td className="py-1.5 pr-4 break-words">
              {docs}
              {fallback && (
                <span className="block text-meta text-muted md:hidden">
                  {t('components.default')}: <code className="font-mono">{fallback}</code>
                </span>
              )}
            </td>
            {fallback !== undefined && (
              <td className={`py-1.5 font-mono text-meta leading-5 break-words text-muted ${WIDE_ONLY}`}>{fallback}</td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
