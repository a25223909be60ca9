# SPDX-License-Identifier: BSD-2-Clause
"""Clients that do not behave: that never ack, never read, come and go all the
time, or ack what they never got. They cost the server a bounded amount of
memory, nobody else notices, and they themselves lose nothing."""
import asyncio
import json
import struct

import pytest

from crowd import Crowd
from harness import DURABLE, eventually, sanitized, within
from wire import CLOSE, TEXT, frame

MB = 1 << 20


async def write_many(client, chats, messages, size):
    """So many messages of that size to each of the chats, a few at a time on the wire."""
    pending = []
    for number in range(messages):
        for chat in chats:
            pending.append(await client.begin("new", {"chatId": chat, "message":
                                                      f"{number} ".ljust(size, "x")}))
            if len(pending) == 64:
                answer = await client.response(pending.pop(0))
                assert "error" not in answer, answer
    for request in pending:
        answer = await client.response(request)
        assert "error" not in answer, answer


async def others_go_on(server):
    carol, dave = await server.connect("carol"), await server.connect("dave")
    for number in range(20):
        await carol.new("dave", str(number))
        await dave.expect_event("new", message=str(number))
    for client in (carol, dave):
        await client.close()


@pytest.mark.parametrize("reads", [True, False])
async def test_never_acks_or_never_reads(start_server, reads):
    """60 MB of events for five devices that do not ack, or do not even read. Of the memory
    that is used meanwhile 32 MB are SQLite's."""
    own = start_server(storage=DURABLE, server={"max_backlog": "256k", "ack_window": 64})
    names = [f"user {i}" for i in range(5)]
    if reads:
        idle = [await own.connect(name, auto_ack=False) for name in names]
    else:
        idle = [await own.raw(name) for name in names]
    before = own.rss()
    alice = await own.connect("alice")
    await write_many(alice, names, 400, 30000)
    await others_go_on(own)
    if not sanitized():
        assert own.rss() - before < 52 * MB
    for client in idle:
        await client.kill()
    await eventually(lambda: own.metric("parlance_sessions") == 1, "sessions gone")
    for name in names:
        client = await own.connect(name)
        for number in range(400):
            event = await client.expect_event("new")
            assert event["payload"]["message"].startswith(f"{number} "), event["seq"]
        await client.close()
    if not sanitized():
        assert own.rss() - before < 52 * MB


async def test_asks_and_never_reads(start_server):
    """A client that asks for history all the time and reads none of it: it is not read any
    more, or closed. At most max_inflight (256) pages of 256 KB are on their way to it."""
    own = start_server(storage=DURABLE, server={"max_backlog": "256k"})
    alice = await own.connect("alice")
    await write_many(alice, ["bob"], 50, 10000)
    raw = await own.raw("bob")
    before = own.rss()
    request = {"type": "request", "id": "", "payloadType": "messages",
               "payload": {"chatId": "alice", "count": 50}}
    data = b"".join(frame(TEXT, json.dumps({**request, "id": str(i)}).encode())
                    for i in range(2000))  # 1000 MB of answers
    raw.output.write(data)
    await others_go_on(own)
    await others_go_on(own)
    if not sanitized():
        assert own.rss() - before < 128 * MB
    await raw.kill()
    await eventually(lambda: own.metric("parlance_sessions") == 1, "session gone")


@pytest.mark.parametrize("times", [60, pytest.param(1000, marks=pytest.mark.long)])
async def test_comes_and_goes(start_server, times):
    """Four devices that reconnect as fast as they can, acking some of what they see, while
    they are written to. What was acked, and known to be, does not come again; nothing is lost."""
    own = start_server(storage=DURABLE, server={"ack_window": 32})
    alice = await own.connect("alice")
    over = asyncio.Event()

    async def come_and_go(name):
        seen, acked = {}, set()
        for number in range(times):
            bob = await own.connect("bob", name, auto_ack=False)
            if number % 3 == 0:
                await bob.barrier()
            events = list(bob.events)
            for event in events:
                assert event["seq"] not in acked, f"{name}: acked, and came again: {event}"
                assert seen.setdefault(event["seq"], event["payload"]) == event["payload"]
            chosen = [event for event in events if event["id"] % 4]
            for event in chosen:
                await bob.ack(event)
            if number % 5 == 0:
                await bob.barrier()
                acked.update(event["seq"] for event in chosen)
            await bob.kill()
        return seen

    async def write():
        number = 0
        while not over.is_set():
            number += 1
            await alice.new("bob", str(number))
        return number

    names = [f"device {i}" for i in range(4)]
    for name in names:
        await (await own.connect("bob", name)).close()
    writing = asyncio.ensure_future(write())
    everything = await within(asyncio.gather(*map(come_and_go, names)), 900)
    over.set()
    total = await within(writing)
    for name, seen in zip(names, everything):
        bob = await own.connect("bob", name)
        await bob.until(lambda: len(seen) + len(
            {e["seq"] for e in bob.events} - seen.keys()) >= total, "all of them")
        seqs = [event["seq"] for event in bob.events]
        assert seqs == sorted(set(seqs))
        await bob.close()
    await eventually(lambda: own.metric("parlance_sessions") == 1, "sessions gone")
    await eventually(lambda: own.metric("parlance_connections") == 1, "connections gone")


WRONG = [0, 5, 10 ** 6, 2 ** 53, 2 ** 64, 10 ** 30, -1, -2 ** 63, 1.5, 1e300, "5", "x", "", "-1", "0x1",
         "1e0", "9" * 100, "9" * 5000, "\x00", "\U0001f98b" * 40, None, True, [1], {"id": 1}]


@pytest.mark.parametrize("rounds", [20, pytest.param(2000, marks=pytest.mark.long)])
async def test_acks_of_what_never_came(start_server, rounds):
    """They free no slot of the window, whatever their shape."""
    own = start_server(server={"ack_window": 4, "max_bad_messages": 1000000})
    alice = await own.connect("alice")
    await write_many(alice, ["bob"], 10, 10)
    bob = await own.connect("bob", auto_ack=False)
    for number in range(4):
        await bob.expect_event("new")
    for _ in range(rounds):
        for wrong in WRONG:
            await bob.send({"type": "ack", "id": wrong})
        await bob.send({"type": "ack"})
        await bob.barrier()
    bob.assert_no_event()
    await bob.close()
    bob = await own.connect("bob")
    for number in range(10):
        event = await bob.expect_event("new")
        assert event["seq"] == number + 1 and event.get("redelivered") is (
            True if number < 4 else None)


async def test_acks_after_close(start_server):
    """What stands behind the close frame was not said."""
    own = start_server()
    alice = await own.connect("alice")
    await alice.new("bob", "first")
    raw = await own.raw("bob")
    event = json.loads(await raw.frame_of(TEXT))
    ack = json.dumps({"type": "ack", "id": event["id"]}).encode()
    await raw.send(frame(CLOSE, struct.pack(">H", 1000)) + frame(TEXT, ack))
    assert await raw.close_code() == 1000
    bob = await own.connect("bob")
    assert (await bob.expect_event("new", message="first"))["redelivered"] is True


async def test_acks_of_the_connection_before(start_server):
    """Ids are the connection's own: those of the one before mean nothing, or something else."""
    own = start_server()
    alice = await own.connect("alice")
    await write_many(alice, ["bob"], 5, 10)
    bob = await own.connect("bob", auto_ack=False)
    for _ in range(5):
        await bob.expect_event("new")
    await bob.ack(5)
    await bob.barrier()
    await bob.close()
    bob = await own.connect("bob", auto_ack=False)
    for number in (1, 2, 3, 4):
        assert (await bob.expect_event("new"))["seq"] == number
    await bob.ack(5)
    await bob.barrier()
    await bob.close()
    bob = await own.connect("bob")
    for number in (1, 2, 3, 4):
        assert (await bob.expect_event("new"))["seq"] == number


async def test_a_crowd_among_fools(start_server):
    """All of them at once, and a crowd that behaves."""
    own = start_server(storage=DURABLE, server={"max_backlog": "64k", "max_message_size": "16k",
                                                "ack_window": 16})
    crowd = Crowd(own)
    raws = []
    async with crowd.at_work():
        for number, person in enumerate(crowd.people):
            raws.append(await own.raw(person.name, device=f"never reads {number}"))
            fool = await own.connect(person.name, f"never acks {number}", auto_ack=False)
            for wrong in WRONG[:12]:
                await fool.send({"type": "ack", "id": wrong})
            await (await own.connect(person.name, f"comes and goes {number}")).kill()
            await crowd.answers(100)
    await crowd.check()
