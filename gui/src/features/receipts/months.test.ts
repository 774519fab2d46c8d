import { describe, expect, it } from 'vitest';
import { exportedLines, joined, nextBefore } from '@/shared/api/requests/receipts';
import type { ExportedReceipt, Receipt, ReceiptTotal } from '@/shared/api/types';
import { monthsOf } from './months';

const usage = { bytes_in: 1, bytes_out: 2, work_ms: 3, tokens_in: 0, tokens_out: 0 };
const total = (month: string, peer: string, grant: string, isGiven = true): ReceiptTotal =>
  ({
    month,
    peer,
    grant,
    is_given: isGiven,
    calls: 2,
    failed: 1,
    usage,
    watt_hours: isGiven ? 1.5 : null,
  }) as ReceiptTotal;

describe('sums by month', () => {
  it('join what a friend did under several grants, and keep the directions apart', () => {
    const months = monthsOf([
      total('2026-11', 'ana', 'g1'),
      total('2026-11', 'ana', 'g2'),
      total('2026-11', 'ana', 'g3', false),
      total('2026-10', 'ana', 'g1'),
    ]);
    expect(months.map(({ month, sums }) => [month, sums.map((sum) => sum.calls)])).toEqual([
      ['2026-11', [4, 2]],
      ['2026-10', [2]],
    ]);
    expect(months[0]?.sums.map((sum) => sum.watt_hours)).toEqual([3, null]);
    expect(months[0]?.sums[0]).toMatchObject({ failed: 2, usage: { bytes_in: 2, bytes_out: 4, work_ms: 6 } });
  });
});

describe('pages of receipts', () => {
  const receipt = (call: string, at: number) => ({ call, peer: 'ana', is_given: true, ended_at: at }) as Receipt;

  it('go on at the millisecond of the last one, which is shown once', () => {
    const page = [receipt('a', 9), receipt('b', 8)];
    expect(nextBefore(page, 2)).toBe(9);
    expect(joined([page, [receipt('b', 8), receipt('c', 8)]]).map((it) => it.call)).toEqual(['a', 'b', 'c']);
  });

  it('go on behind a millisecond that fills a whole page, and end with a page that is not full', () => {
    expect(nextBefore([receipt('a', 8), receipt('b', 8)], 2)).toBe(8);
    expect(nextBefore([receipt('a', 8)], 2)).toBeUndefined();
  });
});

describe('the exported file', () => {
  const all = [9, 8, 8, 7].map((at, no) => ({
    ended_at: at,
    receipt: { flowork: 'receipt/1', signed: `s${no}`, countersignature: null },
  }));
  const pagesOf = (entries: readonly ExportedReceipt[], size: number) => async (before: number | undefined) =>
    entries.filter((it) => before === undefined || it.ended_at < before).slice(0, size);

  it('has each receipt in a line of its own, once, over all pages', async () => {
    const lines = await exportedLines(pagesOf(all, 3), 3);
    expect(lines.map((line) => JSON.parse(line))).toEqual(all.map((it) => it.receipt));
    expect(await exportedLines(pagesOf([], 3), 3)).toEqual([]);
  });

  it('comes to its end where a page is filled by one millisecond', async () => {
    const lines = await exportedLines(pagesOf(all, 2), 2);
    expect(lines.map((line) => JSON.parse(line).signed)).toEqual(['s0', 's1', 's2', 's3']);
  });
});
