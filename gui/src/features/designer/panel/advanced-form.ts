//! The options that every step has beside its config, as a form. Its words come from the catalogue, unlike those of components.
import { formOf, type ObjectField } from '@/shared/forms/schema';
import type { Translate } from '@/shared/i18n/messages';

const choices = (words: Readonly<Record<string, string>>) =>
  Object.entries(words).map(([value, title]) => ({ type: 'string', const: value, title }));

/** The form of `retry`, `timeout_ms`, `on_error` and `on_crash` (protocol/src/preset.rs). */
export function advancedForm(t: Translate): ObjectField {
  return formOf('', {
    type: 'object',
    properties: {
      on_error: {
        title: t('panel.adv.on_error'),
        description: t('panel.adv.on_error.docs'),
        default: 'fail',
        oneOf: choices({
          fail: t('panel.adv.on_error.fail'),
          continue: t('panel.adv.on_error.continue'),
          port: t('panel.adv.on_error.port'),
        }),
      },
      timeout_ms: {
        title: t('panel.adv.timeout'),
        description: t('panel.adv.timeout.docs'),
        type: ['integer', 'null'],
        minimum: 1,
      },
      on_crash: {
        title: t('panel.adv.on_crash'),
        description: t('panel.adv.on_crash.docs'),
        default: 'retry',
        oneOf: choices({
          retry: t('panel.adv.on_crash.retry'),
          ask: t('panel.adv.on_crash.ask'),
          fail: t('panel.adv.on_crash.fail'),
        }),
      },
    },
  });
}

/** The form of `retry`, once a step has one. */
export function retryForm(t: Translate): ObjectField {
  return formOf('', {
    type: 'object',
    required: ['tries', 'first_ms', 'factor', 'max_ms', 'jitter'],
    properties: {
      tries: { title: t('panel.adv.tries'), type: 'integer', minimum: 1, maximum: 100, default: 3 },
      first_ms: { title: t('panel.adv.first'), type: 'integer', minimum: 0, default: 1000 },
      factor: { title: t('panel.adv.factor'), type: 'number', minimum: 1, default: 2 },
      max_ms: { title: t('panel.adv.max'), type: 'integer', minimum: 0, default: 60_000 },
      jitter: { title: t('panel.adv.jitter'), type: 'number', minimum: 0, maximum: 1, default: 0.2 },
    },
  });
}

/** What a step that begins to try again has. */
export const RETRY_FIRST = { tries: 3, first_ms: 1000, factor: 2, max_ms: 60_000, jitter: 0.2 } as const;
