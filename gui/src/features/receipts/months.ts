//! Sums of receipts as people ask for them: by month and friend, whatever the grant.
import type { ReceiptTotal } from '@/shared/api/types';
import { added, addedEnergy } from './usage';

export type Sum = Omit<ReceiptTotal, 'grant'>;
export type Month = { readonly month: string; readonly sums: readonly Sum[] };

/** The months in the order in which they come, each friend and direction once. */
export function monthsOf(totals: readonly ReceiptTotal[]): Month[] {
  const months = new Map<string, Map<string, Sum>>();
  for (const { grant: _, ...total } of totals) {
    const sums = months.get(total.month) ?? new Map<string, Sum>();
    months.set(total.month, sums);
    const key = `${total.is_given} ${total.peer}`;
    const before = sums.get(key);
    sums.set(
      key,
      before
        ? {
            ...total,
            calls: before.calls + total.calls,
            failed: before.failed + total.failed,
            usage: added(before.usage, total.usage),
            watt_hours: addedEnergy(before.watt_hours, total.watt_hours),
          }
        : total,
    );
  }
  return [...months].map(([month, sums]) => ({ month, sums: [...sums.values()] }));
}
