// A js-libp2p client meets a Flowork node that does not know it. One line for each fact that holds, exit 1 at the first
// that does not.
//
//   node --import ./polyfill.mjs client.mjs ADDRESS NODE_ID     ADDRESS: /ip4/127.0.0.1/tcp/4142
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';

import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { identify } from '@libp2p/identify';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { byteStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { decode, encode } from 'cborg';
import { createLibp2p } from 'libp2p';

const ENGINE = '/flowork/engine/1';
const PAIR = '/flowork/pair/1';
// A node cuts strangers off after 30 s; what takes longer than this has failed.
const WITHIN_MS = 20_000;
// Of the ed25519 key whose seed is 00…01: a peer id that is well-formed and not the node's.
const OTHER_ID = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp';
const BLAKE3_OF_NOTHING = 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262';
const FRAME_BYTES_MAX = 1 << 20;

const ok = (fact) => console.log(`ok js: ${fact}`);

// Structs are maps whose keys are the fields' numbers; an enum is [variant, [fields]].
const struct = (...fields) => new Map(fields.map((value, number) => [number, value]));
const variant = (number, ...fields) => [number, fields];

function frame(message) {
  const body = encode(message);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function open({ call, grant, engine, capability, deadlineMs, requestHash }) {
  const known = variant(1, grant);
  return frame(variant(0, struct(call, known, engine, capability, deadlineMs, 0, [], 0, requestHash)));
}

function join(secret, name) {
  return frame(variant(0, struct(secret, struct(name, [], []))));
}

// Sends one frame on a stream of its own and gives the one that answers it, after which the node ends the stream.
async function ask(connection, protocol, bytes, signal) {
  const stream = await connection.newStream(protocol, { signal });
  assert.equal(stream.protocol, protocol, `${stream.protocol} was agreed on`);
  const io = byteStream(stream);
  await io.write(bytes, { signal });
  const length = Buffer.from((await io.read({ bytes: 4, signal })).subarray()).readUInt32BE();
  assert.ok(length > 0 && length <= FRAME_BYTES_MAX, `a frame says that it is ${length} bytes long`);
  const body = (await io.read({ bytes: length, signal })).subarray();
  assert.equal(await io.read({ signal }), null, 'something follows the answer');
  await stream.close({ signal });
  return decode(body, { useMaps: true });
}

// The refusal in a frame whose enum has it as variant 2.
function refusal(message) {
  assert.ok(Array.isArray(message) && message[0] === 2, `no refusal, but ${inspect(message)}`);
  const [fields] = message[1];
  return { code: fields.get(0), message: fields.get(1) };
}

// What is being done, for the line about a failure.
let doing = 'start';

async function meet(node, address, nodeId) {
  const signal = AbortSignal.timeout(WITHIN_MS);

  doing = `dial ${address}/p2p/${nodeId}`;
  const connection = await node.dial(multiaddr(`${address}/p2p/${nodeId}`), { signal });
  assert.equal(connection.remotePeer.toString(), nodeId, `${connection.remotePeer} answers`);
  ok(`connected to ${nodeId} over tcp, ${connection.encryption}, ${connection.multiplexer}`);

  doing = `dial ${address}/p2p/${OTHER_ID}`;
  const mistaken = await node.dial(multiaddr(`${address}/p2p/${OTHER_ID}`), { signal }).then(
    () => assert.fail('the node passes for another one'),
    (error) => error,
  );
  const mismatch = new RegExp(`${nodeId} does not match expected .*${OTHER_ID}`);
  assert.match(mistaken.message, mismatch, mistaken.message);
  ok('not taken for another node: its key does not match the peer id of another key');

  doing = 'identify';
  const said = await node.services.identify.identify(connection, { signal });
  assert.equal(said.peerId.toString(), nodeId, `the key of ${said.peerId} is told`);
  assert.match(said.agentVersion ?? '', /^flowork\//, `the agent is ${said.agentVersion}`);
  for (const protocol of [ENGINE, PAIR]) {
    assert.ok(said.protocols.includes(protocol), `${protocol} is not among ${said.protocols}`);
  }
  ok(`identified: agent ${said.agentVersion}, protocols ${said.protocols.toSorted().join(' ')}`);

  doing = 'ping';
  const ms = await node.services.ping.ping(connection.remotePeer, { signal });
  ok(`ping answered in ${ms} ms`);

  doing = 'golden-v1.hex';
  // The bytes that the Rust tests hold fast, written by another CBOR library.
  const golden = await readFile(new URL('../../../protocol/src/peer/golden-v1.hex', import.meta.url), 'utf8');
  const sample = open({
    call: Buffer.alloc(16, 1),
    grant: Buffer.alloc(32, 4),
    engine: 'gpu',
    capability: 'chat',
    deadlineMs: 0,
    requestHash: Buffer.alloc(32),
  }).toString('hex');
  assert.ok(golden.split('\n').includes(sample), `it has no ${sample}`);
  ok('writes the Open frame of golden-v1.hex byte for byte');

  doing = ENGINE;
  const opening = open({
    call: randomBytes(16),
    grant: randomBytes(32),
    engine: 'gpu',
    capability: 'chat',
    deadlineMs: 10_000,
    requestHash: Buffer.from(BLAKE3_OF_NOTHING, 'hex'),
  });
  const rejected = refusal(await ask(connection, ENGINE, opening, signal));
  assert.equal(rejected.code, 'not-paired', `rejected: ${rejected.code} (${rejected.message})`);
  ok(`${ENGINE}: Open with a made-up grant is rejected: ${rejected.code} (${rejected.message})`);

  doing = PAIR;
  const refused = refusal(await ask(connection, PAIR, join(randomBytes(16), 'js-libp2p'), signal));
  assert.equal(refused.code, 'invitation-unknown', `refused: ${refused.code} (${refused.message})`);
  ok(`${PAIR}: Join with a made-up secret is refused: ${refused.code} (${refused.message})`);
}

const [address, nodeId] = process.argv.slice(2);
if (!address || !nodeId) {
  console.error('usage: node --import ./polyfill.mjs client.mjs ADDRESS NODE_ID');
  process.exit(2);
}
const node = await createLibp2p({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // Asked for below, so that its answer is looked at.
  services: { identify: identify({ runOnConnectionOpen: false }), ping: ping() },
});
try {
  await meet(node, address, nodeId);
} catch (error) {
  console.error(`FAIL js: ${doing}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await node.stop();
}
