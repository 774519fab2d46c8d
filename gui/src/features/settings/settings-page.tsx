import { useQuery } from '@tanstack/react-query';
import { nodeQuery } from '@/shared/api/requests/node';
import type { FileHealth } from '@/shared/api/types';
import { nodeAddress } from '@/shared/auth/node-address';
import { bytes, count, durationMs } from '@/shared/format/format';
import { chooseLanguage, LANGUAGES, type Language, useLanguage, useMessages } from '@/shared/i18n/messages';
import { chooseTheme, THEME_CHOICES, useThemeChoice } from '@/shared/theme/theme';
import { Field, Select } from '@/shared/ui/field';
import { Facts, PageHeader, Panel, ScrollPage } from '@/shared/ui/page';
import { Segments } from '@/shared/ui/segments';
import { Ready } from '@/shared/ui/states';
import { StateIcon } from '@/shared/ui/status';
import { AccessPanel } from './access-panel';
import { OriginsPanel } from './origins-panel';
import { SecretsPanel } from './secrets-panel';
import { TokensPanel } from './tokens-panel';

export default function SettingsPage() {
  const t = useMessages();
  return (
    <ScrollPage>
      <PageHeader title={t('settings.title')} />
      <div className="grid items-start gap-4 px-4 md:px-6 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <Appearance />
          <AccessPanel />
          <SecretsPanel />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <NodeFacts />
          <TokensPanel />
          <OriginsPanel />
        </div>
      </div>
    </ScrollPage>
  );
}

function Appearance() {
  const t = useMessages();
  const theme = useThemeChoice();
  const language = useLanguage();
  return (
    <Panel title={t('settings.appearance')}>
      <div className="flex flex-col gap-4 p-4">
        <Segments
          label={t('settings.theme')}
          options={THEME_CHOICES.map((id) => ({ id, label: t(`settings.theme.${id}`) }))}
          value={theme}
          onChange={chooseTheme}
        />
        <Field label={t('settings.language')}>
          {(ids) => (
            <Select
              {...ids}
              className="max-w-60"
              value={language}
              onChange={(event) => void chooseLanguage(event.target.value as Language)}
            >
              {Object.entries(LANGUAGES).map(([code, name]) => (
                <option key={code} value={code} lang={code}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
    </Panel>
  );
}

/** A database and how large it is; what is wrong with it stands beside. */
const fileRow = (file: FileHealth) =>
  [
    <code key="name" className="font-mono text-meta">
      {file.file}
    </code>,
    <span key="size" className={file.problem ? 'text-fail' : ''}>
      {bytes(file.bytes)} {file.problem}
    </span>,
  ] as const;

function NodeFacts() {
  const t = useMessages();
  const node = useQuery(nodeQuery);
  return (
    <Panel title={t('settings.node')}>
      <Ready of={node}>
        {(it) => (
          <div className="flex flex-col gap-5 p-4">
            <Facts
              rows={[
                [t('settings.version'), `Flowork ${it.version}`],
                [t('settings.address'), nodeAddress()],
                [t('settings.up'), durationMs(it.uptime_ms)],
                [t('settings.active'), count(it.activations)],
                [t('settings.webhooks'), count(it.webhooks)],
              ]}
            />
            <div>
              <h3 className="pb-1">{t('settings.parts')}</h3>
              <ul className="flex flex-col gap-1">
                {it.roles.map((role) => (
                  <li key={role.role} className="flex flex-wrap items-center gap-2">
                    <StateIcon state={role.ready ? 'succeeded' : 'failed'} />
                    <span className="w-20">{role.role}</span>
                    <span className="text-muted">
                      {role.ready ? t('settings.ready') : t('settings.not_ready')}
                      {role.restarts > 0 && ` · ${t('settings.restarts', { count: role.restarts })}`}
                    </span>
                    {role.last_end && <span className="text-muted">{role.last_end}</span>}
                  </li>
                ))}
              </ul>
            </div>
            {it.problem && <p className="text-fail">{it.problem}</p>}
            {it.stats && (
              <div>
                <h3 className="pb-1">{t('settings.storage')}</h3>
                <Facts
                  rows={[
                    [t('settings.databases'), bytes(it.stats.files.reduce((sum, file) => sum + file.bytes, 0))],
                    ...it.stats.files.filter((file) => file.problem).map(fileRow),
                    [t('settings.blobs'), bytes(it.stats.blob_bytes)],
                    [t('settings.free'), bytes(it.stats.free_bytes)],
                    ...(it.stats.budget_bytes == null
                      ? []
                      : [[t('settings.budget'), bytes(it.stats.budget_bytes)] as const]),
                  ]}
                />
                <details className="pt-1.5">
                  <summary className="text-muted">{t('settings.by_file')}</summary>
                  <div className="pt-1.5">
                    <Facts rows={it.stats.files.map(fileRow)} />
                  </div>
                </details>
              </div>
            )}
            <details>
              <summary className="text-muted">{t('settings.advanced')}</summary>
              <div className="pt-2">
                <Facts
                  rows={[
                    [
                      'NodeId',
                      <code key="id" className="font-mono text-meta break-all">
                        {it.id}
                      </code>,
                    ],
                    [
                      t('settings.data'),
                      <code key="data" className="font-mono text-meta break-all">
                        {it.data_dir}
                      </code>,
                    ],
                  ]}
                />
              </div>
            </details>
          </div>
        )}
      </Ready>
    </Panel>
  );
}
