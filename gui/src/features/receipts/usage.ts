//! What was used, in words.
import type { Usage } from '@/shared/api/types';
import { bytes, durationMs } from '@/shared/format/format';
import type { Translate } from '@/shared/i18n/messages';

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
