import { describe, expect, it } from 'vitest';
import { isEnough } from './may';

describe('a role', () => {
  it('allows what the roles below it allow, and nothing above', () => {
    expect(isEnough('editor', 'runner')).toBe(true);
    expect(isEnough('runner', 'runner')).toBe(true);
    expect(isEnough('viewer', 'runner')).toBe(false);
    expect(isEnough('hook', 'viewer')).toBe(false);
  });
  it('that is not known yet hides nothing', () => {
    expect(isEnough(undefined, 'admin')).toBe(true);
  });
});
