# SPDX-License-Identifier: BSD-2-Clause
"""Acks that are wrong, while events wait for them (docs/protocol.md, "Events and
acknowledgments"): whatever a client says, only a whole and good ack of an
event that it was sent takes that event away."""
import json
import struct

import pytest

from harness import eventually
from wire import CLOSE, TEXT, frame

ACK_1 = frame(TEXT, b'{"type":"ack","id":1}')


async def stage(server, users, events=1, **options):
    """alice has written to bob, who has not acked: (alice's client, bob's, bob)."""
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    b = await server.connect(bob, auto_ack=False, **options)
    for number in range(1, events + 1):
        await a.new(bob, str(number))
        await b.expect_event("new", message=str(number))
    return a, b, bob


async def comes_again(server, bob, *numbers):
    """Exactly these, before what is new. Only alice is still there."""
    await eventually(lambda: server.metric("parlance_sessions") == 1, "bob's session gone")
    b = await server.connect(bob, auto_ack=False)
    for number in numbers:
        assert (await b.expect_event("new", message=str(number)))["redelivered"] is True
    writer = await server.connect(bob + " writer")
    await writer.new(bob, "new")
    assert "redelivered" not in await b.expect_event("new", message="new")
    await writer.close()
    await b.close()


@pytest.mark.parametrize("text", [
    '{"type":"ack","id":1.0}', '{"type":"ack","id":1e0}', '{"type":"ack","id":-1}',
    '{"type":"ack","id":[1]}', '{"type":"ack","id":{"id":1}}', '{"type":"ack","id":true}',
    '{"type":"ack","id":null}', '{"type":"ack","id":9007199254740993}',
    '{"type":"ack","id":18446744073709551617}', '{"type":"ack"}', '{"type":"ack","ID":1}',
    '{"type":"ack","id":1', '{"type":"ack","id":01}', '{"type":"Ack","id":1}',
    '{"type":["ack"],"id":1}', '{"id":1}', '[{"type":"ack","id":1}]', '{"type":"ack","id":+1}',
])
async def test_malformed(server, users, text):
    """Answered with an error, and it acks nothing."""
    _, b, bob = await stage(server, users)
    await b.send(text)
    await b.until(lambda: b.responses, "response")
    (_, (answer,)), = b.responses.items()
    assert answer["error"]["code"] in ("bad_json", "bad_envelope", "unknown_type"), answer
    await b.close()
    await comes_again(server, bob, 1)


@pytest.mark.parametrize("ack", [
    0, 2, 257, 2 ** 32 + 1, 2 ** 53, "", " ", "0", "01", " 1", "1 ", "1\t", "+1", "-1", "1.0", "1e0",
    "0x1", "1,2", "\uff11", "4294967297", "18446744073709551617", "one", "1\u0000", "null"])
async def test_of_no_event(server, users, ack):
    """Ignored and counted, not answered, and no bad message."""
    _, b, bob = await stage(server, users)
    before = server.metric("parlance_acks_ignored_total")
    await b.send(json.dumps({"type": "ack", "id": ack}))
    await b.barrier()
    assert server.metric("parlance_acks_ignored_total") == before + 1
    assert len(b.texts) == 2
    await b.close()
    await comes_again(server, bob, 1)


@pytest.mark.parametrize("ack", ['"1"', "1", r'"\u0031"', '1,"seq":7', '5,"id":1',
                                 '1,"payload":{"id":2},"timestamp":"never"'])
async def test_good_in_any_form(server, users, ack):
    """Escapes, fields that an ack does not have, and the last of the same key count."""
    _, b, bob = await stage(server, users)
    await b.send('{"type":"ack","id":%s}' % ack)
    await b.barrier()
    await b.close()
    await comes_again(server, bob)


async def test_ahead_of_the_event(server, users):
    """An ack of an id that is not used yet does not ack the event that gets it."""
    a, b, bob = await stage(server, users)
    await b.ack(2)
    await b.ack(1)
    await b.barrier()
    await a.new(bob, "2")
    assert (await b.expect_event("new", message="2"))["id"] == 2
    await b.close()
    await comes_again(server, bob, 2)


async def test_by_seq(server, users):
    """What is acked is the event's id in the connection; its seq is another number."""
    a, b, bob = await stage(server, users, events=3)
    for number in (1, 2):
        await b.ack(number)
    await b.barrier()
    await b.close()
    b = await server.connect(bob, auto_ack=False)
    event = await b.expect_event("new", message="3")
    assert (event["id"], event["seq"]) == (1, 3)
    await b.ack(3)
    await b.barrier()
    await b.close()
    await comes_again(server, bob, 3)


@pytest.mark.parametrize("size", range(1, len(ACK_1)))
async def test_half_a_frame(server, users, size):
    """The connection breaks within the ack: it was none."""
    _, b, bob = await stage(server, users)
    await b.close()
    raw = await server.raw(bob)
    assert json.loads(await raw.frame_of(TEXT))["id"] == 1
    await raw.send(ACK_1[:size])
    await raw.kill()
    await comes_again(server, bob, 1)


async def test_bytes_one_by_one(server, users):
    _, b, bob = await stage(server, users)
    await b.close()
    raw = await server.raw(bob)
    assert json.loads(await raw.frame_of(TEXT))["id"] == 1
    for byte in ACK_1:
        await raw.send(bytes([byte]))
    await raw.send(frame(TEXT, b'{"type":"request","id":"r","payloadType":"chats"}'))
    while json.loads(await raw.frame_of(TEXT))["type"] != "response":
        pass
    await raw.kill()
    await comes_again(server, bob)


async def test_right_before_the_end(server, users):
    """An ack counts though the close frame is right behind it; behind that it does not."""
    _, b, bob = await stage(server, users, events=2)
    await b.close()
    raw = await server.raw(bob)
    for number in (1, 2):
        assert json.loads(await raw.frame_of(TEXT))["id"] == number
    await raw.send(ACK_1 + frame(CLOSE, struct.pack(">H", 1000)) +
                   frame(TEXT, b'{"type":"ack","id":2}'))
    assert await raw.close_code() == 1000
    await comes_again(server, bob, 2)


async def test_too_many_malformed(start_server):
    """They are bad messages: the connection is closed, the events stay."""
    own = start_server(server={"max_bad_messages": 3})
    a = await own.connect("alice")
    b = await own.connect("bob", auto_ack=False)
    await a.new("bob", "1")
    await b.expect_event("new")
    for _ in range(3):
        await b.send('{"type":"ack","id":1.0}')
    assert await b.closed() == 1008
    await comes_again(own, "bob", 1)


async def test_a_storm_of_them(server, users):
    """Ten thousand acks of ids that were never sent leave everything as it was."""
    a, b, bob = await stage(server, users, events=3)
    before = server.metric("parlance_acks_ignored_total")
    raw = await server.raw(bob, device="other")
    await raw.send(b"".join(frame(TEXT, b'{"type":"ack","id":%d}' % (4 + i % 1000))
                            for i in range(10000)))
    await raw.send(frame(TEXT, b'{"type":"request","id":"r","payloadType":"chats"}'))
    while json.loads(await raw.frame_of(TEXT))["type"] != "response":
        pass
    assert server.metric("parlance_acks_ignored_total") == before + 10000
    await raw.kill()
    await a.new(bob, "4")
    await b.expect_event("new", message="4")
    await b.close()
    await comes_again(server, bob, 1, 2, 3, 4)
