"""A py-libp2p client meets a Flowork node that does not know it. One line for each fact that holds, exit 1 at the first
that does not.

    client.py ADDRESS NODE_ID        ADDRESS: /ip4/127.0.0.1/tcp/4142
"""

import logging
import secrets
import struct
import sys
from pathlib import Path

import cbor2
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.serialization import deserialize_public_key
from libp2p.exceptions import MultiError
from libp2p.host.ping import PingService
from libp2p.identity.identify.identify import parse_identify_response
from libp2p.io.utils import read_exactly
from libp2p.network.config import RetryConfig
from libp2p.network.exceptions import SwarmException
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from multiaddr import Multiaddr

ENGINE = "/flowork/engine/1"
PAIR = "/flowork/pair/1"
IDENTIFY = "/ipfs/id/1.0.0"
# A node cuts strangers off after 30 s; what takes longer than this has failed.
WITHIN_S = 20
# Any key but the node's.
OTHER_SEED = bytes(31) + b"\x01"
BLAKE3_OF_NOTHING = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
FRAME_BYTES_MAX = 1 << 20
GOLDEN = Path(__file__).resolve().parents[3] / "protocol/src/peer/golden-v1.hex"


class Wrong(Exception):
    """A fact that does not hold."""


def ok(fact):
    print(f"ok py: {fact}", flush=True)


def insist(holds, otherwise):
    if not holds:
        raise Wrong(otherwise)


# Structs are maps whose keys are the fields' numbers; an enum is [variant, [fields]].
def fields(*values):
    return dict(enumerate(values))


def variant(number, *values):
    return [number, list(values)]


def frame(message):
    body = cbor2.dumps(message)
    return struct.pack(">I", len(body)) + body


def opening(call, grant, deadline_ms, request_hash):
    known = variant(1, grant)
    return frame(variant(0, fields(call, known, "gpu", "chat", deadline_ms, 0, [], 0, request_hash)))


def joining(secret, name):
    return frame(variant(0, fields(secret, fields(name, [], []))))


async def read_to_end(stream):
    read = b""
    while True:
        try:
            piece = await stream.read(4096)
        except StreamEOF:
            piece = b""
        if not piece:
            return read
        read += piece


async def ask(host, peer, protocol, sent):
    """Sends one frame on a stream of its own and gives the one that answers it, after which the node ends the stream."""
    stream = await host.new_stream(peer, [protocol])
    await stream.write(sent)
    (length,) = struct.unpack(">I", await read_exactly(stream, 4))
    insist(0 < length <= FRAME_BYTES_MAX, f"a frame says that it is {length} bytes long")
    body = await read_exactly(stream, length)
    insist(await read_to_end(stream) == b"", "something follows the answer")
    await stream.close()
    return cbor2.loads(body)


def refusal(message):
    """The code and the words of a refusal, which is variant 2 of the enum."""
    insist(isinstance(message, list) and message[0] == 2, f"no refusal, but {message}")
    return message[1][0][0], message[1][0][1]


def causes(error):
    """An error and what it came from, innermost last: the library wraps each in several others."""
    while error is not None:
        yield error
        inner = error.errors if isinstance(error, MultiError) else getattr(error, "exceptions", ())
        error = inner[0] if inner else error.__cause__


async def meet(host, address, node_id, doing):
    peer = ID.from_base58(node_id)
    where = Multiaddr(address)

    doing.append(f"dial {address}/p2p/{node_id}")
    await host.connect(PeerInfo(peer, [where]))
    (connection,) = host.get_network().get_connections(peer)
    muxed = connection.muxed_conn
    insist(str(muxed.peer_id) == node_id, f"{muxed.peer_id} answers")
    ok(
        f"connected to {node_id} over tcp, "
        f"{muxed.negotiated_security_protocol}, {muxed.negotiated_muxer_protocol}"
    )

    other = ID.from_pubkey(create_new_key_pair(OTHER_SEED).public_key)
    doing.append(f"dial {address}/p2p/{other}")
    try:
        await host.connect(PeerInfo(other, [where]))
    except SwarmException as error:
        why = list(causes(error))[-1]
        insist(isinstance(why, PeerIDMismatchesPubkey), f"{type(why).__name__}: {why}")
    else:
        raise Wrong("the node passes for another one")
    ok("not taken for another node: its key does not match the peer id of another key")

    doing.append("identify")
    stream = await host.new_stream(peer, [IDENTIFY])
    said = parse_identify_response(await read_to_end(stream))
    of_key = ID.from_pubkey(deserialize_public_key(said.public_key))
    insist(str(of_key) == node_id, f"the key of {of_key} is told")
    insist(said.agent_version.startswith("flowork/"), f"the agent is {said.agent_version}")
    for protocol in (ENGINE, PAIR):
        insist(protocol in said.protocols, f"{protocol} is not among {list(said.protocols)}")
    ok(f"identified: agent {said.agent_version}, protocols {' '.join(sorted(said.protocols))}")

    doing.append("ping")
    (ms,) = await PingService(host).ping(peer, 1)
    ok(f"ping answered in {ms} ms")

    doing.append("golden-v1.hex")
    # The bytes that the Rust tests hold fast, written by another CBOR library.
    sample = opening(bytes([1] * 16), bytes([4] * 32), 0, bytes(32)).hex()
    insist(sample in GOLDEN.read_text().split(), f"it has no {sample}")
    ok("writes the Open frame of golden-v1.hex byte for byte")

    doing.append(ENGINE)
    sent = opening(secrets.token_bytes(16), secrets.token_bytes(32), 10_000, bytes.fromhex(BLAKE3_OF_NOTHING))
    code, words = refusal(await ask(host, peer, ENGINE, sent))
    insist(code == "not-paired", f"rejected: {code} ({words})")
    ok(f"{ENGINE}: Open with a made-up grant is rejected: {code} ({words})")

    doing.append(PAIR)
    sent = joining(secrets.token_bytes(16), "py-libp2p")
    code, words = refusal(await ask(host, peer, PAIR, sent))
    insist(code == "invitation-unknown", f"refused: {code} ({words})")
    ok(f"{PAIR}: Join with a made-up secret is refused: {code} ({words})")


async def main(address, node_id):
    doing = ["start"]
    host = new_host(key_pair=create_new_key_pair())
    # A dial that fails is not tried again: none here fails by chance.
    host.get_network().retry_config = RetryConfig(max_retries=0)
    try:
        with trio.fail_after(WITHIN_S):
            async with host.run(listen_addrs=[]):
                await meet(host, address, node_id, doing)
    except Exception as error:
        why = list(causes(error))[-1]
        print(f"FAIL py: {doing[-1]}: {type(why).__name__}: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: client.py ADDRESS NODE_ID")
    # The library logs failed dials, one of which is meant; what matters is raised too.
    logging.disable(logging.ERROR)
    sys.exit(trio.run(main, *sys.argv[1:]))
