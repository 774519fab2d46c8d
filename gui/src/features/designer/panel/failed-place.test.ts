import { describe, expect, it } from 'vitest';
import { failedPlace } from './failed-place';

describe('the place of a failure', () => {
  it('is a line of the code', () => {
    expect(failedPlace('line 3', { code: 'x' }, ['code'])).toEqual({ path: ['code'], line: 3 });
    expect(failedPlace('code, line 2', { code: 'x' }, ['code'])).toEqual({ path: ['code'], line: 2 });
  });
  it('is a field, also one inside another', () => {
    expect(failedPlace('config.path', { path: '/a' }, [])).toEqual({ path: ['path'] });
    expect(failedPlace('config.total', { fields: { total: '{{ 1 }}' } }, [])).toEqual({ path: ['fields', 'total'] });
    expect(failedPlace('config.url', {}, [])).toEqual({ path: ['url'] });
  });
  it('may be none', () => {
    expect(failedPlace('', { code: '' }, ['code'])).toBeUndefined();
    expect(failedPlace('line 3', {}, [])).toBeUndefined();
  });
});
