import { describe, expect, it } from 'vitest';
import { sessionMessage } from './login';

describe('what a browser signs', () => {
  it('is the domain, the node, the key and the nonce, a line each', () => {
    const text = new TextDecoder().decode(sessionMessage({ nonce: 'bm9uY2U', node: '12D3Koo' }, 'a2V5'));
    expect(text).toBe('flowork login session v1\n12D3Koo\na2V5\nbm9uY2U');
  });
});
