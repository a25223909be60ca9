# SPDX-License-Identifier: BSD-2-Clause
"""Events that are gone, devices that are forgotten, events that come again: never
in silence (docs/protocol.md, "Events and acknowledgments")."""
import asyncio

import pytest

from harness import DURABLE, eventually, in_thread

PRUNING = {"event_ttl": "100ms", "prune_interval": "10ms"}


async def write(client, chat, numbers):
    for number in numbers:
        await client.new(chat, str(number))


async def pruned(server, number):
    await eventually(lambda: server.metric("parlance_events_pruned_total") >= number, "pruned")


async def forgotten(server, number):
    await eventually(lambda: server.metric("parlance_devices_forgotten_total") >= number,
                     "forgotten")


async def gone(server, sessions):
    await eventually(lambda: server.metric("parlance_sessions") == sessions, "sessions gone")


async def expect_resync(client, from_seq, redelivered=None):
    event = await client.expect_event("resync")
    assert event["payload"] == {"fromSeq": from_seq}, event
    assert event["seq"] == from_seq - 1, event
    assert event.get("redelivered") is redelivered, event
    return event


# ----------------------------------------------------------- several devices

async def test_replaced_connections_lose_nothing(start_server):
    """Each new connection of the device takes the place of the last, while events come;
    what the replaced one acked does not come again."""
    own = start_server(server={"session_policy": "replace", "ack_window": 8})
    alice = await own.connect("alice")
    acked = set()
    old = await own.connect("bob", "phone", auto_ack=False)
    for number in range(20):
        await write(alice, "bob", range(3))
        event = await old.expect_event("new")
        assert event["seq"] == len(acked) + 1
        await old.ack(event)
        await old.barrier()
        acked.add(event["seq"])
        new = await own.connect("bob", "phone", auto_ack=False)
        assert await old.closed() == 4000
        old = new
    await old.close()
    bob = await own.connect("bob", "phone")
    for seq in range(21, 61):
        assert (await bob.expect_event("new"))["seq"] == seq


async def test_all_connections_of_a_device_are_served(start_server):
    own = start_server(server={"session_policy": "allow"})
    alice = await own.connect("alice")
    bobs = [await own.connect("bob", "phone") for _ in range(5)]
    await write(alice, "bob", range(10))
    for bob in bobs:
        for number in range(10):
            assert (await bob.expect_event("new", message=str(number)))["seq"] == number + 1


# --------------------------------------------------------- too many devices

async def test_the_device_unseen_longest_is_forgotten(start_server):
    """It is a new one when it comes back, and is told that it may have missed something."""
    own = start_server(server={"max_devices": 2})
    alice = await own.connect("alice")
    for name in ("one", "two"):
        bob = await own.connect("bob", name)
        await bob.barrier()
        await bob.close()
        await gone(own, 1)
    await write(alice, "bob", range(3))
    three = await own.connect("bob", "three")
    await expect_resync(three, 4)
    two = await own.connect("bob", "two")
    for number in range(3):
        await two.expect_event("new", message=str(number))
    await three.close()
    await gone(own, 2)
    one = await own.connect("bob", "one")
    await expect_resync(one, 4)
    await alice.new("bob", "now")
    await one.expect_event("new", message="now")
    await two.expect_event("new", message="now")


# ----------------------------------------------------------- events that are gone

@pytest.mark.parametrize("storage", [DURABLE, "memory"])
async def test_resync(start_server, storage):
    """Before anything newer, and at each connection until it was acked."""
    own = start_server(server=PRUNING, storage=storage)
    alice, bob = await own.connect("alice"), await own.connect("bob")
    await bob.barrier()
    await bob.close()
    await write(alice, "bob", range(6))
    await pruned(own, 6)
    for attempt in range(3):
        bob = await own.connect("bob", auto_ack=False)
        resync = await expect_resync(bob, 7, True if attempt else None)
        await bob.barrier()
        bob.assert_no_event()
        if attempt < 2:
            await bob.close()
    page = await bob.ok("messages", {"chatId": "alice"})
    assert [m["message"] for m in page["messages"]] == [str(i) for i in range(6)]
    await bob.ack(resync)
    await alice.new("bob", "6")
    event = await bob.expect_event("new", message="6")
    assert event["seq"] == 7
    await bob.ack(event)
    await bob.barrier()
    await bob.close()
    bob = await own.connect("bob")
    await alice.new("bob", "7")
    assert (await bob.expect_event("new", message="7"))["seq"] == 8


async def test_resync_after_a_crash(start_server):
    """A server that died knows it too, and the resync that was not acked comes again."""
    own = start_server(server=PRUNING, storage=DURABLE)
    alice, bob = await own.connect("alice"), await own.connect("bob")
    await bob.barrier()
    await bob.close()
    await write(alice, "bob", range(5))
    await pruned(own, 5)
    for _ in range(3):
        bob = await own.connect("bob", auto_ack=False)
        resync = await bob.expect_event("resync", fromSeq=6)
        await in_thread(own.kill)
        own.start()
    bob = await own.connect("bob", auto_ack=False)
    await bob.ack(await bob.expect_event("resync", fromSeq=6))
    await bob.barrier()
    await bob.close()
    assert resync["seq"] == 5
    bob, alice = await own.connect("bob"), await own.connect("alice")
    await alice.new("bob", "next")
    assert (await bob.expect_event("new", message="next"))["seq"] == 6


async def test_resync_on_a_living_connection(start_server):
    """One whose window is full for longer than events are kept."""
    own = start_server(server={**PRUNING, "ack_window": 4})
    alice, bob = await own.connect("alice"), await own.connect("bob", auto_ack=False)
    await write(alice, "bob", range(10))
    events = [await bob.expect_event("new", message=str(number)) for number in range(4)]
    await pruned(own, 10)
    for event in events:
        await bob.ack(event)
    await bob.ack(await expect_resync(bob, 11))
    await alice.new("bob", "next")
    assert (await bob.expect_event("new", message="next"))["seq"] == 11


async def test_a_forgotten_device(start_server):
    """One that was away for longer than device_ttl is new when it comes back, and is told;
    one that is connected all the time is not forgotten."""
    own = start_server(server={"device_ttl": "100ms", "prune_interval": "10ms"})
    alice = await own.connect("alice")
    stays, leaves = await own.connect("bob", "stays"), await own.connect("bob", "leaves")
    await leaves.barrier()
    await leaves.close()
    await forgotten(own, 1)
    await write(alice, "bob", range(5))
    for number in range(5):
        await stays.expect_event("new", message=str(number))
    leaves = await own.connect("bob", "leaves")
    await expect_resync(leaves, 6)
    await alice.new("bob", "next")
    for client in (stays, leaves):
        assert (await client.expect_event("new", message="next"))["seq"] == 6


async def test_the_only_device_forgotten(start_server):
    """What nobody is left to get is dropped; the device is told when it comes back."""
    own = start_server(server={"device_ttl": "100ms", "prune_interval": "10ms"})
    alice, bob = await own.connect("alice"), await own.connect("bob")
    await bob.barrier()
    await bob.close()
    await gone(own, 1)
    await write(alice, "bob", range(3))
    await forgotten(own, 1)
    bob = await own.connect("bob")
    event = await bob.expect_event()
    if event["eventType"] == "resync":
        missed = range(event["payload"]["fromSeq"] - 1, 3)
        assert event["seq"] == event["payload"]["fromSeq"] - 1
    else:
        assert event["payload"]["message"] == "0"
        missed = range(1, 3)
    for number in missed:
        await bob.expect_event("new", message=str(number))
    await alice.new("bob", "next")
    assert (await bob.expect_event("new", message="next"))["seq"] == 4


@pytest.mark.parametrize("storage", [DURABLE, "memory"])
@pytest.mark.parametrize("times", [40, pytest.param(1000, marks=pytest.mark.long)])
async def test_no_gap_is_silent(start_server, storage, times):
    """Events are dropped all the time, and the device comes and goes and acks now and
    then: what it gets is the next event, or one that was sent before, or a resync."""
    own = start_server(storage=storage, server={
        "event_ttl": "30ms", "prune_interval": "10ms", "ack_window": 8, "cursor_interval": "10ms"})
    alice = await own.connect("alice")
    await (await own.connect("bob")).close()
    over = asyncio.Event()
    resyncs = 0

    async def writer():
        number = 0
        while not over.is_set():
            number += 1
            await alice.new("bob", str(number))
        return number

    writing = asyncio.ensure_future(writer())
    known = 0  # up to here everything came, or was said to be gone
    for number in range(times):
        bob = await own.connect("bob", auto_ack=number % 3 == 0)
        await bob.until(lambda b=bob: len(b.events) > 4, "some events")
        await (bob.close() if number % 2 else bob.kill())
        if number % 4 == 0:
            await pruned(own, own.metric("parlance_events_pruned_total") + 10)
        last = None
        for event in bob.events:
            seq = event["seq"]
            assert last is None or seq > last, bob.events
            if event["eventType"] == "resync":
                resyncs += 1
                assert seq == event["payload"]["fromSeq"] - 1
            else:
                assert seq <= known + 1, f"{known + 1} to {seq - 1} are gone in silence"
                assert event["payload"]["message"] == str(seq)
            last, known = seq, max(known, seq)
    over.set()
    total = await writing
    assert resyncs > times / 10 and known <= total


# --------------------------------------------------------------- redeliver_after

async def test_redeliver_after(start_server):
    """What is not acked comes again on the living connection: in order, marked, under new
    ids, and what was acked in between does not."""
    own = start_server(server={"redeliver_after": "100ms"})
    alice, bob = await own.connect("alice"), await own.connect("bob", auto_ack=False)
    await write(alice, "bob", range(6))
    first = [await bob.expect_event("new", message=str(number)) for number in range(6)]
    for number in (1, 4):
        await bob.ack(first[number])
    last = 6
    for _ in range(2):
        again = [await bob.expect_event("new", message=str(n)) for n in (0, 2, 3, 5)]
        assert [event["seq"] for event in again] == [1, 3, 4, 6]
        assert [event["id"] for event in again] == list(range(last + 1, last + 5))
        assert all(event["redelivered"] is True for event in again)
        last += 4
    await bob.ack(first[0])  # an id of before: means nothing
    for event in again[1:]:
        await bob.ack(event)
    event = await bob.expect_event("new", message="0")
    await bob.ack(event)
    await alice.new("bob", "next")
    event = await bob.expect_event("new", message="next")
    assert "redelivered" not in event and event["seq"] == 7
    await bob.ack(event)
    await bob.barrier()
    await bob.close()
    bob = await own.connect("bob")
    await alice.new("bob", "last")
    await bob.expect_event("new", message="last")


async def test_redeliver_after_is_off_unless_set(start_server):
    """An hour would be too long to wait: the clock of this test is another connection's."""
    own = start_server(server={"redeliver_after": "0"})
    alice, bob = await own.connect("alice"), await own.connect("bob", auto_ack=False)
    await alice.new("bob", "once")
    await bob.expect_event("new")
    for _ in range(50):
        await alice.new("alice", "time goes by")
    await bob.barrier()
    bob.assert_no_event()
