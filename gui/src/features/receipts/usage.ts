//! What was used, in words.
import type { Usage } from '@/shared/api/types';
import { bytes, durationMs } from '@/shared/format/format';
import { currentLocale, type Translate } from '@/shared/i18n/messages';

/** Work, data and, where models were asked, tokens. */
export function usageWords(t: Translate, usage: Usage): string {
  const { tokens_in: read, tokens_out: written } = usage;
  const words = [
    t('receipts.work', { time: durationMs(usage.work_ms) }),
    t('receipts.data', { sent: bytes(usage.bytes_in), came: bytes(usage.bytes_out) }),
  ];
  return [...words, ...(read + written > 0 ? [t('receipts.tokens', { read, written })] : [])].join(' · ');
}

/** Both together. */
export const added = (one: Usage, other: Usage): Usage => ({
  bytes_in: one.bytes_in + other.bytes_in,
  bytes_out: one.bytes_out + other.bytes_out,
  work_ms: one.work_ms + other.work_ms,
  tokens_in: one.tokens_in + other.tokens_in,
  tokens_out: one.tokens_out + other.tokens_out,
});

/** What is known of both; nothing while nothing is. */
export const addedEnergy = (one: number | null | undefined, other: number | null | undefined): number | null =>
  one == null && other == null ? null : (one ?? 0) + (other ?? 0);

/** An estimate in Wh or kWh: no more digits than it is good for. */
export function energyWords(t: Translate, wattHours: number): string {
  const isMuch = wattHours >= 1_000;
  const number = (isMuch ? wattHours / 1_000 : wattHours).toLocaleString(currentLocale(), {
    maximumFractionDigits: isMuch || wattHours < 10 ? 1 : 0,
  });
  return t('receipts.energy', { energy: `${number} ${isMuch ? 'kWh' : 'Wh'}` });
}
