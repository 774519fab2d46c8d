import { describe, expect, it } from 'vitest';
import { addressesOf, flipped, isNodeName, isOn, isYetToCount, ownAddresses, ownName, SWITCHES } from './own-reach';

const [relay, , lan] = SWITCHES;

describe('an own address', () => {
  it.each(['203.0.113.5:4142', '[2001:db8::1]:4142', '/ip4/203.0.113.5/udp/4142/quic-v1', '/dns6/a.example/tcp/1'])(
    '%s is said as it is',
    (text) => expect(addressesOf(` ${text} `)).toEqual([text]),
  );

  it('of a name is said for both ways of being called', () => {
    expect(addressesOf('node.example.org:4142')).toEqual([
      '/dns4/node.example.org/tcp/4142',
      '/dns4/node.example.org/udp/4142/quic-v1',
    ]);
  });

  it.each([
    '',
    '203.0.113.5',
    '203.0.113.500:4142',
    '203.0.113.5:0',
    '203.0.113.5:70000',
    '[2001:db8::zz]:1',
    '2001:db8::1:4142',
    'https://node.example.org:1',
    '/ip4/203.0.113.5/udp/4142',
    '/ip4/node.example/tcp/1',
    'a b.example:1',
  ])('%s is none', (text) => expect(addressesOf(text)).toEqual([]));

  it('may be missing or of another form in the settings', () => {
    expect(ownAddresses({})).toEqual([]);
    expect(ownAddresses({ 'mesh.external': null })).toEqual([]);
    expect(ownAddresses({ 'mesh.external': ['203.0.113.5:1', 3] })).toEqual(['203.0.113.5:1']);
  });
});

describe('a switch', () => {
  it('stands as it does unless somebody said otherwise', () => {
    expect([isOn({}, relay), isOn({}, lan)]).toEqual([false, true]);
    expect([isOn({ 'mesh.relay': true }, relay), isOn({ 'mesh.lan': false }, lan)]).toEqual([true, false]);
    expect(isOn({ 'mesh.lan': null }, lan)).toBe(true);
  });

  it('that is flipped back is not said any more', () => {
    expect(flipped({}, relay)).toEqual({ 'mesh.relay': true });
    expect(flipped({ 'mesh.relay': true }, relay)).toEqual({ 'mesh.relay': null });
    expect(flipped({}, lan)).toEqual({ 'mesh.lan': false });
    expect(flipped({ 'mesh.lan': false }, lan)).toEqual({ 'mesh.lan': null });
  });
});

describe('the name of a node', () => {
  it('is what was said, if anything was', () => {
    expect([{}, { 'node.name': null }, { 'node.name': 'Ana' }].map(ownName)).toEqual([undefined, undefined, 'Ana']);
  });

  it.each(['Ana', 'Åsa 李 (laptop)', 'x'.repeat(64)])('%s can be shown', (name) => expect(isNodeName(name)).toBe(true));
  it.each(['', ' Ana', 'Ana ', 'A\nna', 'Ana\u202e', 'x'.repeat(65), '李'.repeat(22)])('%j cannot', (name) =>
    expect(isNodeName(name)).toBe(false),
  );
});

describe('a change', () => {
  it('is yet to count until the part that starts again has answered', () => {
    expect(isYetToCount(undefined, { error: new Error('away'), dataUpdatedAt: 0 })).toBe(false);
    expect(isYetToCount(10_000, { error: null, dataUpdatedAt: 10_200 })).toBe(true);
    expect(isYetToCount(10_000, { error: new Error('away'), dataUpdatedAt: 12_000 })).toBe(true);
    expect(isYetToCount(10_000, { error: null, dataUpdatedAt: 12_000 })).toBe(false);
  });
});
