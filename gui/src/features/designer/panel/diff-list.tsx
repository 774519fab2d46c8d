import { Suspense } from 'react';
import { TextDiff } from '@/shared/code/text-diff';
import { inline } from '@/shared/data/shape';
import { formOf } from '@/shared/forms/schema';
import type { Change, PresetDiff, ValueChange } from '@/shared/graph/preset-diff';
import { useMessages } from '@/shared/i18n/messages';
import { type Designer, useDesigner } from '../context';

const TONES = { added: 'text-ok', removed: 'text-fail', changed: 'text-wait' } as const;
const SIGNS = { added: '+', removed: '−', changed: '~' } as const;

/** Every difference in words; texts of several lines are shown line by line. */
export function DiffList({ diff, label }: { readonly diff: PresetDiff; readonly label: string }) {
  const t = useMessages();
  if (diff.changes.length === 0) return <p className="p-4 text-muted">{t('versions.same')}</p>;
  return (
    <ul aria-label={label} className="flex flex-col gap-1 p-2">
      {diff.changes.map((change) => (
        <li key={`${change.subject} ${change.id}`} className="rounded-control px-2 py-1 hover:bg-raised/50">
          <Line change={change} />
        </li>
      ))}
    </ul>
  );
}

function Line({ change }: { readonly change: Change }) {
  const t = useMessages();
  const designer = useDesigner();
  const { subject, kind, name, id, values, isOnlyMoved } = change;
  const isCard = (subject === 'step' || subject === 'trigger') && kind !== 'removed';
  return (
    <>
      <div className="flex flex-wrap items-baseline gap-x-2">
        <span aria-hidden className={`w-3 font-mono font-semibold ${TONES[kind]}`}>
          {SIGNS[kind]}
        </span>
        <span className="text-muted">{t(`versions.subject.${subject}`)}</span>
        {isCard ? (
          <button type="button" className="font-semibold hover:underline" onClick={() => designer.show(id)}>
            {name}
          </button>
        ) : (
          <span className="font-semibold">{name}</span>
        )}
        <span className={`text-meta ${TONES[kind]}`}>
          {isOnlyMoved ? t('versions.moved') : t(`versions.kind.${kind}`)}
        </span>
      </div>
      {!isOnlyMoved && values.length > 0 && (
        <ul className="mt-1 flex flex-col gap-1 pl-5">
          {values
            .filter((value) => value.path[0] !== 'position')
            .map((value) => (
              <li key={value.path.join('/')}>
                <Value value={value} name={name} language={languageOf(designer, change, value)} />
              </li>
            ))}
        </ul>
      )}
    </>
  );
}

const isLong = (value: unknown): value is string =>
  typeof value === 'string' && (value.includes('\n') || value.length > 80);

/** The language of a text: what the component's form says of its field, Markdown for prose. */
function languageOf({ editor, manifests }: Designer, { id }: Change, { path }: ValueChange): string {
  const { preset } = editor.snapshot();
  const component = (preset.steps?.[id] ?? preset.triggers?.[id])?.component ?? '';
  const field = formOf(component, manifests.get(component)?.config).fields.find((it) => it.key === path[1]);
  return path[0] === 'config' ? (field?.kind === 'code' ? field.language : '') : 'markdown';
}

type ValueProps = { readonly value: ValueChange; readonly name: string; readonly language: string };

function Value({ value, name, language }: ValueProps) {
  const path = value.path.filter((key, at) => at > 0 || key !== 'config').join(' › ');
  const [before, after] = [value.before, value.after];
  if (isLong(before) || isLong(after)) {
    return (
      <>
        <span className="font-mono text-meta">{path}</span>
        <Suspense>
          <TextDiff
            before={typeof before === 'string' ? before : before === undefined ? '' : JSON.stringify(before, null, 2)}
            after={typeof after === 'string' ? after : after === undefined ? '' : JSON.stringify(after, null, 2)}
            language={language}
            label={`${name} ${path}`}
          />
        </Suspense>
      </>
    );
  }
  return (
    <span className="block font-mono text-meta break-words">
      {path && `${path}: `}
      {before !== undefined && <del className="text-fail">{inline(before)}</del>}
      {before !== undefined && after !== undefined && ' → '}
      {after !== undefined && <ins className="text-ok no-underline">{inline(after)}</ins>}
    </span>
  );
}
