# SPDX-License-Identifier: BSD-2-Clause
"""dlvrd and read: cumulative, idempotent, and told once."""
import pytest


async def three(server, users):
    """alice wrote three messages to bob."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    for i in range(3):
        await a.new(bob, str(i + 1), clientMessageId=f"c{i + 1}")
    return a, b, alice, bob


async def test_dlvrd(server, users):
    a, b, alice, bob = await three(server, users)
    answer = await b.ok("dlvrd", {"chatId": alice, "messageId": 2})
    assert answer["messageId"] == 2 and answer["clientMessageId"] == "c2"
    await a.expect_event("dlvrd", chatId=bob, userId=bob, messageId=2, clientMessageId="c2",
                         timestamp=answer["timestamp"])


async def test_read(server, users):
    a, b, alice, bob = await three(server, users)
    answer = await b.ok("read", {"chatId": alice, "messageId": 2})
    assert answer["messageId"] == 2 and answer["clientMessageId"] == "c2"
    assert answer["missed"] == 1
    event = await a.expect_event("read", chatId=bob, userId=bob, messageId=2,
                                 clientMessageId="c2", timestamp=answer["timestamp"])
    assert isinstance(event["seq"], int)


@pytest.mark.parametrize("kind", ["dlvrd", "read"])
async def test_all_when_left_out(server, users, kind):
    a, b, alice, bob = await three(server, users)
    assert (await b.ok(kind, {"chatId": alice}))["messageId"] == 3
    await a.expect_event(kind, messageId=3)


@pytest.mark.parametrize("kind", ["dlvrd", "read"])
@pytest.mark.parametrize("lower", [1, 2])
async def test_repeated_or_lower(server, users, kind, lower):
    """Answered with the first mark's timestamp, told to nobody."""
    a, b, alice, bob = await three(server, users)
    first = await b.ok(kind, {"chatId": alice, "messageId": 2})
    again = await b.ok(kind, {"chatId": alice, "messageId": lower})
    assert again["timestamp"] == first["timestamp"]
    await b.ok(kind, {"chatId": alice, "messageId": 3})
    await a.expect_event(kind, messageId=2)
    await a.expect_event(kind, messageId=3)


async def test_read_implies_dlvrd(server, users):
    a, b, alice, bob = await three(server, users)
    await b.ok("read", {"chatId": alice, "messageId": 3})
    await b.ok("dlvrd", {"chatId": alice, "messageId": 3})
    await a.expect_event("read", messageId=3)
    await a.new(bob, "next")
    await b.ok("dlvrd", {"chatId": alice})
    await a.expect_event("dlvrd", messageId=4)


async def test_writing_marks_as_read(server, users):
    a, b, alice, bob = await three(server, users)
    await b.new(alice, "I have seen them")
    events = await a.expect_events("new", "read")
    assert events["read"]["payload"]["messageId"] == 3
    assert events["read"]["payload"]["userId"] == bob
    assert (await b.ok("chat", {"chatId": alice}))["missed"] == 0
    await b.new(alice, "and another")
    await a.expect_event("new", message="and another")


async def test_a_mark_tells_the_users_other_devices(server, users):
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    phone = await server.connect(bob, "phone")
    laptop = await server.connect(bob, "laptop")
    await a.new(bob)
    await laptop.expect_event("new")
    await phone.ok("read", {"chatId": alice})
    await laptop.expect_event("read", chatId=alice, userId=bob, messageId=1)
    await phone.expect_event("new")
    await phone.barrier()
    phone.assert_no_event()


@pytest.mark.parametrize("kind", ["dlvrd", "read"])
async def test_nothing_to_mark(server, users, kind):
    """There is no message of the other."""
    a, b, alice, bob = await three(server, users)
    await a.fails("not_found", kind, {"chatId": bob})
    await b.barrier()
    assert all(event["eventType"] == "new" for event in b.events)


async def test_missed_leaves_out_what_is_not_a_message_of_the_other(server, users):
    a, b, alice, bob = await three(server, users)
    await a.ok("edit", {"chatId": bob, "originalMessageId": 1, "message": "x"})
    assert (await b.ok("chat", {"chatId": alice}))["missed"] == 3
    await a.ok("delete", {"chatId": bob, "originalMessageId": 2})
    assert (await b.ok("chat", {"chatId": alice}))["missed"] == 2
    assert (await b.ok("read", {"chatId": alice, "messageId": 1}))["missed"] == 1
