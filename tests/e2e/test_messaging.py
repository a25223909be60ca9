# SPDX-License-Identifier: BSD-2-Clause
"""Texts, order, many writers. What docs/protocol.md says of chats and messages is shown by
tests/dialogues."""
import asyncio

import pytest


async def pair(server, users):
    alice, bob = users("alice", "bob")
    return await server.connect(alice), await server.connect(bob), alice, bob


@pytest.mark.parametrize("text", [
    "x", " ", "a\tb\nc", 'quo"te \\ back', "\u2028\u2029\x7f\ufeff",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001d11e \U0001de00", "</script>", "x" * 32768,
    "ä" * 16384, "\x01" * 5000, "'; DROP TABLE message; --", "%s%n", '{"type":"ack","id":1}'])
async def test_text_arrives_as_it_was(server, users, text):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob, text)
    await b.expect_event("new", message=text)
    assert (await b.ok("messages", {"chatId": alice}))["messages"][0]["message"] == text


async def test_order_within_a_chat(server, users):
    """What one connection sends to one chat takes effect in the order sent,
    without waiting for answers; all devices see one order."""
    a, b, alice, bob = await pair(server, users)
    laptop = await server.connect(bob, "laptop")
    sent = [await a.begin("new", {"chatId": bob, "message": str(i)}) for i in range(200)]
    for number, request in enumerate(sent, 1):
        assert (await a.response(request))["payload"]["messageId"] == number
    for client in (b, laptop):
        for number in range(200):
            event = await client.expect_event("new", message=str(number), messageId=number + 1)
            assert event["seq"] == number + 1


async def test_both_write_at_once(server, users):
    """Two writers, one chat: no number twice, none left out, one order for both."""
    a, b, alice, bob = await pair(server, users)

    async def write(client, chat):
        requests = [await client.begin("new", {"chatId": chat, "message": f"{client.user} {i}"})
                    for i in range(50)]
        return [(await client.response(r))["payload"]["messageId"] for r in requests]

    numbers = await asyncio.gather(write(a, bob), write(b, alice))
    assert sorted(numbers[0] + numbers[1]) == list(range(1, 101))
    assert numbers[0] == sorted(numbers[0]) and numbers[1] == sorted(numbers[1])
    one = (await a.ok("messages", {"chatId": bob, "count": 100}))["messages"]
    two = (await b.ok("messages", {"chatId": alice, "count": 100}))["messages"]
    assert [m["message"] for m in one] == [m["message"] for m in two]


async def test_many_writers_to_one_reader(server, users):
    reader = users("reader")
    r = await server.connect(reader)
    writers = [await server.connect(f"{reader}.w{i}") for i in range(20)]
    await asyncio.gather(*(w.new(reader, w.user) for w in writers))
    seen = {}
    for number in range(1, 21):
        event = await r.expect_event("new", messageId=1)
        assert event["seq"] == number and event["id"] == number
        seen[event["payload"]["chatId"]] = event["payload"]["message"]
    assert seen == {w.user: w.user for w in writers}


async def test_timestamps_never_go_back(server, users):
    a, b, alice, bob = await pair(server, users)
    last = 0
    for _ in range(50):
        answer = await a.request("new", {"chatId": bob, "message": "tick"}, timestamp=5)
        assert answer["timestamp"] >= answer["payload"]["timestamp"] >= last
        last = answer["payload"]["timestamp"]
    assert last > 1600000000000
    page = await a.ok("messages", {"chatId": bob})
    times = [m["createdAt"] for m in page["messages"]]
    assert times == sorted(times)
