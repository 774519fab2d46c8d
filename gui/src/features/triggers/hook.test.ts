import { describe, expect, it } from 'vitest';
import type { Trigger } from '@/shared/api/types';
import { curlOf, hookOf, sampleCall } from './hook';

const node = 'http://127.0.0.1:4141';
const hook = (config: Record<string, unknown>) => {
  const found = hookOf({ component: 'webhook', config } as Trigger, node);
  if (!found) throw new Error('no hook');
  return found;
};

describe('a webhook', () => {
  it('is no other trigger', () => {
    expect(hookOf({ component: 'manual' } as Trigger, node)).toBeUndefined();
  });
  it('listens for POST unless it says otherwise', () => {
    expect(hook({ path: 'orders/new' })).toEqual({
      method: 'POST',
      path: 'orders/new',
      address: `${node}/hooks/orders/new`,
      needsToken: false,
    });
  });
  it('is called from a shell as it wants to be called', () => {
    expect(curlOf(hook({ path: 'x' }))).toBe(
      `curl -X POST ${node}/hooks/x -H 'content-type: application/json' -d '{"example":true}'`,
    );
    expect(curlOf(hook({ path: 'x', method: 'GET', auth: 'token' }))).toBe(
      `curl -X GET ${node}/hooks/x -H "authorization: Bearer $TOKEN"`,
    );
  });
  it('has a sample that reads like a call', () => {
    expect(sampleCall(hook({ path: 'x', method: 'ANY' }))).toMatchObject({ method: 'POST', path: 'x' });
  });
});
