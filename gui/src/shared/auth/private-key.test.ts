import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pkcs8Of, seedOf } from './private-key';

const seed = Uint8Array.from({ length: 32 }, (_, at) => 255 - at * 7);
const base64 = Buffer.from(seed).toString('base64');

describe('a pasted private key', () => {
  it.each([
    ['base64url', Buffer.from(seed).toString('base64url')],
    ['base64', base64],
    ['hex', Buffer.from(seed).toString('hex')],
    ['hex in capitals, with spaces around', `  ${Buffer.from(seed).toString('hex').toUpperCase()}\n`],
    [
      'PEM',
      `-----BEGIN PRIVATE KEY-----\n${Buffer.from(pkcs8Of(seed)).toString('base64')}\n-----END PRIVATE KEY-----\n`,
    ],
  ])('is read as %s', (_, text) => expect(seedOf(text)).toEqual(seed));

  it('is read as other programs write it', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const d = privateKey.export({ format: 'jwk' }).d;
    expect(seedOf(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toEqual(
      Uint8Array.from(Buffer.from(d ?? '', 'base64url')),
    );
  });

  it('is refused when it is something else', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const text of ['', 'hello', base64.slice(4), `${base64}AAAA`, rsa.toString()])
      expect(seedOf(text)).toBeUndefined();
  });
});
