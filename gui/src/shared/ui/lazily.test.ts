import { describe, expect, it, vi } from 'vitest';
import { isOutdated, patiently } from './lazily';

describe('a part of the page', () => {
  it('is loaded once the node is back', async () => {
    vi.useFakeTimers();
    const load = vi.fn().mockRejectedValueOnce(new TypeError('Failed to fetch')).mockResolvedValue('part');
    const loaded = patiently(load, async () => false);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await loaded).toBe('part');
    vi.useRealTimers();
  });
  it('that the node no longer has is an error at once', async () => {
    const gone = new TypeError('Failed to fetch dynamically imported module: /assets/x.js');
    await expect(
      patiently(
        () => Promise.reject(gone),
        async () => true,
      ),
    ).rejects.toBe(gone);
    expect(isOutdated(gone)).toBe(true);
    expect(isOutdated(new Error('no'))).toBe(false);
  });
});
