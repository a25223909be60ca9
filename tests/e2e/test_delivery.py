# SPDX-License-Identifier: BSD-2-Clause
"""Events, acknowledgments, devices (docs/protocol.md, "Events and acknowledgments")."""
import pytest

from harness import DURABLE, eventually


async def left(server, sessions):
    """Waits until the server has seen so many sessions left over."""
    await eventually(lambda: server.metric("parlance_sessions") == sessions, "sessions gone")


async def write(client, chat, numbers):
    for number in numbers:
        await client.new(chat, str(number))


async def read_all(client, numbers, **checks):
    """The next events must be these messages, in order; returns them."""
    events = []
    for number in numbers:
        event = await client.expect_event("new", message=str(number))
        for key, value in checks.items():
            assert event.get(key) == value, event
        events.append(event)
    return events


async def test_event_ids_and_seqs(server, users):
    """`id` counts by one per connection, whatever the event; `seq` is the user's own."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    await a.new(bob, "1")
    await a.event("typing", {"chatId": bob})
    await a.new(bob, "2")
    first = await b.expect_event("new")
    typing = await b.expect_event("typing")
    second = await b.expect_event("new")
    assert [e["id"] for e in (first, typing, second)] == [1, 2, 3]
    assert (first["seq"], second["seq"]) == (1, 2) and "seq" not in typing
    await b.close()
    b = await server.connect(bob)
    await a.new(bob, "3")
    third = await b.expect_event("new")
    assert (third["id"], third["seq"]) == (1, 3)


async def test_two_devices(server, users):
    """Each gets everything, and acks for itself."""
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    phone = await server.connect(bob, "phone")
    laptop = await server.connect(bob, "laptop", auto_ack=False)
    await write(a, bob, range(5))
    await read_all(phone, range(5))
    await read_all(laptop, range(5))
    await phone.barrier()
    await phone.close()
    await laptop.close()
    phone = await server.connect(bob, "phone")
    laptop = await server.connect(bob, "laptop")
    await read_all(laptop, range(5), redelivered=True)
    await write(a, bob, [5])
    await read_all(phone, [5], seq=6)
    await read_all(laptop, [5], seq=6)


async def test_offline_then_online(server, users):
    """What came while the device was away is there when it comes back, once."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    await b.barrier()
    await b.close()
    await write(a, bob, range(30))
    b = await server.connect(bob)
    events = await read_all(b, range(30))
    assert [e["seq"] for e in events] == list(range(1, 31))
    assert not any("redelivered" in e for e in events)
    await b.barrier()
    await b.close()
    b = await server.connect(bob)
    await write(a, bob, [30])
    await read_all(b, [30], seq=31)


async def test_first_device_starts_at_the_beginning_later_ones_at_now(server, users):
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    await write(a, bob, range(3))
    first = await server.connect(bob, "first")
    await read_all(first, range(3))
    second = await server.connect(bob, "second")
    await second.barrier()
    await write(a, bob, [3])
    await read_all(second, [3], seq=4)
    await read_all(first, [3], seq=4)


async def test_redelivery(server, users):
    """What was not acked comes again: in order, marked, with the same seq."""
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    b = await server.connect(bob, auto_ack=False)
    await write(a, bob, range(10))
    events = await read_all(b, range(10))
    for event in events[:4]:
        await b.ack(event)
    await b.barrier()
    await b.kill()
    await write(a, bob, [10])
    b = await server.connect(bob, auto_ack=False)
    again = await read_all(b, range(4, 10), redelivered=True)
    assert [e["seq"] for e in again] == [e["seq"] for e in events[4:]]
    assert [e["id"] for e in again] == list(range(1, 7))
    assert [e["payload"] for e in again] == [e["payload"] for e in events[4:]]
    await read_all(b, [10], seq=11)


async def test_redelivery_until_acked(server, users):
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    await a.new(bob, "important")
    for attempt in range(4):
        b = await server.connect(bob, auto_ack=False)
        event = await b.expect_event("new", message="important")
        assert event["seq"] == 1 and event.get("redelivered") is (True if attempt else None)
        if attempt == 3:
            await b.ack(event)
            await b.barrier()
        await b.close()
    b = await server.connect(bob)
    await a.new(bob, "next")
    await b.expect_event("new", message="next")


async def test_an_ack_is_of_one_event_alone(server, users):
    """Acks in any order; what is in between comes again, what was acked does not."""
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    b = await server.connect(bob, auto_ack=False)
    await write(a, bob, range(8))
    events = await read_all(b, range(8))
    for number in (7, 2, 5, 0):
        await b.ack(events[number])
    await b.barrier()
    await b.close()
    b = await server.connect(bob)
    for number in (1, 3, 4, 6):
        await read_all(b, [number], redelivered=True, seq=number + 1)
    await b.barrier()
    b.assert_no_event()
    await b.close()
    b = await server.connect(bob)
    await write(a, bob, [8])
    await read_all(b, [8], seq=9)


@pytest.mark.parametrize("text", [False, True])
async def test_ack_as_number_and_as_string(server, users, text):
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    b = await server.connect(bob, auto_ack=False)
    await write(a, bob, range(3))
    for event in await read_all(b, range(3)):
        await b.ack(event, text=text)
    await b.barrier()
    assert len(b.texts) == 4
    await b.close()
    b = await server.connect(bob)
    await write(a, bob, [3])
    await read_all(b, [3])


@pytest.mark.parametrize("wrong", [0, 2, 99, 2 ** 53, "2", "x", "", "01", " 1", "1 ", "1.0", "-1"])
async def test_unknown_acks_are_ignored(server, users, wrong):
    """One event is out; an ack of anything else does not take it away."""
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    b = await server.connect(bob, auto_ack=False)
    await a.new(bob, "first")
    await b.expect_event("new", message="first")
    await b.send({"type": "ack", "id": wrong})
    await b.barrier()
    assert len(b.texts) == 2
    await b.close()
    b = await server.connect(bob)
    await b.expect_event("new", message="first")


async def test_repeated_acks_are_ignored(server, users):
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    b = await server.connect(bob, auto_ack=False)
    await write(a, bob, range(2))
    first, _ = await read_all(b, range(2))
    for _ in range(5):
        await b.ack(first)
    await b.barrier()
    await b.close()
    b = await server.connect(bob)
    await read_all(b, [1], redelivered=True)


async def test_ack_of_an_ephemeral_event(server, users):
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    b = await server.connect(bob, auto_ack=False)
    await a.event("typing", {"chatId": bob})
    typing = await b.expect_event("typing")
    await a.new(bob, "first")
    await b.expect_event("new")
    await b.ack(typing)
    await b.barrier()
    await b.close()
    b = await server.connect(bob)
    await b.expect_event("new", message="first")


async def test_acks_are_not_taken_from_another_connection(server, users):
    """Event ids are the connection's own."""
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    phone = await server.connect(bob, "phone", auto_ack=False)
    laptop = await server.connect(bob, "laptop", auto_ack=False)
    await a.new(bob, "first")
    for client in (phone, laptop):
        await client.expect_event("new")
    await laptop.ack(1)
    await laptop.barrier()
    await phone.close()
    phone = await server.connect(bob, "phone")
    await phone.expect_event("new", message="first")


async def test_window(start_server):
    """At most ack_window unacked durable events are on the wire; a freed slot
    lets the next one follow; nothing is lost."""
    own = start_server(server={"ack_window": 4})
    a = await own.connect("alice")
    await write(a, "bob", range(20))
    b = await own.connect("bob", auto_ack=False)
    events = await read_all(b, range(4))
    await b.barrier()
    b.assert_no_event()
    for number in range(4, 20):
        await b.ack(events[number - 4])
        events += await read_all(b, [number])
        await b.barrier()
        b.assert_no_event()
    assert [e["seq"] for e in events] == list(range(1, 21))
    assert [e["id"] for e in events] == list(range(1, 21))


async def test_window_is_full_while_more_comes(start_server):
    """The same with events that arrive while the device is connected and full,
    and with acks in the reverse order."""
    own = start_server(server={"ack_window": 4})
    a = await own.connect("alice")
    b = await own.connect("bob", auto_ack=False)
    await write(a, "bob", range(20))
    events = await read_all(b, range(4))
    await b.barrier()
    b.assert_no_event()
    while len(events) < 20:
        for event in reversed(events[-4:]):
            await b.ack(event)
        events += await read_all(b, range(len(events), min(len(events) + 4, 20)))
    await b.barrier()
    b.assert_no_event()


async def test_ephemeral_events_pass_a_full_window(start_server):
    own = start_server(server={"ack_window": 4})
    a = await own.connect("alice")
    b = await own.connect("bob", auto_ack=False)
    await write(a, "bob", range(6))
    await read_all(b, range(4))
    await a.event("typing", {"chatId": "bob"})
    await b.expect_event("typing")


async def test_a_client_that_never_acks(start_server):
    """It stops receiving, goes on being answered, and loses nothing."""
    own = start_server(server={"ack_window": 4})
    a = await own.connect("alice")
    b = await own.connect("bob", auto_ack=False)
    await write(a, "bob", range(300))
    await read_all(b, range(4))
    assert len((await b.ok("messages", {"chatId": "alice", "count": 500}))["messages"]) == 300
    b.assert_no_event()
    await b.kill()
    b = await own.connect("bob")
    await read_all(b, range(300))


async def test_window_full_then_gone(start_server):
    """What was sent before comes again marked; what had to wait comes unmarked."""
    own = start_server(server={"ack_window": 4})
    a = await own.connect("alice")
    b = await own.connect("bob", auto_ack=False)
    await write(a, "bob", range(10))
    events = await read_all(b, range(4))
    await b.ack(events[2])
    events += await read_all(b, [4])
    await b.barrier()
    await b.close()
    await left(own, 1)
    b = await own.connect("bob")
    for number in (0, 1, 3, 4):
        await read_all(b, [number], redelivered=True)
    await read_all(b, range(5, 10), redelivered=None)


async def test_redelivery_after_a_restart(start_server):
    """Acks and seqs are kept by the storage, not in memory."""
    own = start_server(storage=DURABLE)
    a = await own.connect("alice")
    b = await own.connect("bob", auto_ack=False)
    await write(a, "bob", range(6))
    events = await read_all(b, range(6))
    for number in (0, 1, 4):
        await b.ack(events[number])
    await b.barrier()
    await own.restart()
    b = await own.connect("bob")
    for number in (2, 3, 5):
        await read_all(b, [number], redelivered=True, seq=number + 1)
    a = await own.connect("alice")
    await write(a, "bob", [6])
    await read_all(b, [6], seq=7)


async def test_idempotent_resend(server, users):
    """The same clientMessageId again is the same message: the first answer, and
    nobody is told twice."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    payload = {"chatId": bob, "message": "once", "clientMessageId": "c1",
               "attachments": [{"type": "file", "id": "f", "filename": "f", "url": "u",
                                "meta": {"b": 1, "a": [1.5, None]}}]}
    first = await a.ok("new", payload)
    for _ in range(3):
        assert await a.ok("new", payload) == first
    await a.kill()
    a = await server.connect(alice)
    assert await a.ok("new", payload) == first
    other = await server.connect(alice, "other")
    assert await other.ok("new", payload) == first
    await a.new(bob, "next")
    await b.expect_event("new", messageId=1)
    await b.expect_event("new", messageId=2, message="next")
    assert len((await a.ok("messages", {"chatId": bob}))["messages"]) == 2


async def test_idempotent_edit(server, users):
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    await a.new(bob, "helo")
    payload = {"chatId": bob, "originalMessageId": 1, "message": "hello", "clientMessageId": "e"}
    first = await a.ok("edit", payload)
    assert await a.ok("edit", payload) == first
    await a.new(bob, "next")
    for kind in ("new", "edit", "new"):
        await b.expect_event(kind)


async def test_resend_at_once(server, users):
    """Two connections send the same message at the same time: it is stored once."""
    alice, bob = users("alice", "bob")
    b = await server.connect(bob)
    devices = [await server.connect(alice, str(i)) for i in range(8)]
    payload = {"chatId": bob, "message": "once", "clientMessageId": "c1"}
    requests = [await device.begin("new", payload) for device in devices]
    answers = [(await d.response(r))["payload"] for d, r in zip(devices, requests)]
    assert all(answer == answers[0] for answer in answers)
    await devices[0].new(bob, "next")
    await b.expect_event("new", messageId=1)
    await b.expect_event("new", messageId=2)


async def test_resend_after_a_restart(start_server):
    own = start_server(storage=DURABLE)
    a = await own.connect("alice")
    payload = {"chatId": "bob", "message": "once", "clientMessageId": "c1"}
    first = await a.ok("new", payload)
    own.kill()
    own.start()
    a, b = await own.connect("alice"), await own.connect("bob")
    assert await a.ok("new", payload) == first
    await a.fails("conflict", "new", {**payload, "message": "twice"})
    await a.new("bob", "next")
    await b.expect_event("new", messageId=1)
    await b.expect_event("new", messageId=2)


async def test_session_policy_replace(start_server):
    """A newer connection of the same device takes the place of the older one."""
    own = start_server(server={"session_policy": "replace"})
    a = await own.connect("alice")
    old = await own.connect("bob", "phone", auto_ack=False)
    laptop = await own.connect("bob", "laptop")
    await a.new("bob", "first")
    await old.expect_event("new")
    new = await own.connect("bob", "phone")
    assert await old.closed() == 4000
    await new.expect_event("new", message="first")
    await laptop.ok("chats")


async def test_two_connections_of_one_device(server, users):
    """Without that policy both are served."""
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    one, two = await server.connect(bob), await server.connect(bob)
    await a.new(bob, "both")
    for client in (one, two):
        await client.expect_event("new", message="both")


async def test_requests_beyond_max_inflight_wait(start_server):
    """A connection that asks more than max_inflight at once is read more slowly,
    and every request is answered once."""
    own = start_server(server={"max_inflight": 4})
    a = await own.connect("alice")
    requests = [await a.begin("new", {"chatId": "bob", "message": str(i)}) for i in range(300)]
    numbers = [(await a.response(r))["payload"]["messageId"] for r in requests]
    assert numbers == list(range(1, 301))
    assert not any(a.responses.values())


async def test_a_client_that_does_not_read(start_server):
    """Its backlog is bounded: it is closed, or made to wait, and nobody else
    notices; nothing is lost."""
    own = start_server(server={"max_backlog": "128k"})
    a = await own.connect("alice")
    raw = await own.raw("bob")  # never reads
    text = "x" * 30000
    for i in range(400):
        await a.new("bob", f"{i} {text}")
    await raw.kill()
    b = await own.connect("bob")
    for i in range(400):
        event = await b.expect_event("new")
        assert event["payload"]["message"].startswith(f"{i} ")
