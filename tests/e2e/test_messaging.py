# SPDX-License-Identifier: BSD-2-Clause
"""Writing, editing and deleting (docs/protocol.md, "Chats and messages")."""
import asyncio

import pytest

ATTACHMENTS = [
    {"type": "image", "id": "a1", "filename": "sea.jpg", "url": "https://example.org/sea.jpg",
     "size": 12345, "meta": {"width": 640, "height": 480,
                              "tags": ["sea", None, 1.5, 12345678901234567890]}},
    {"type": "file", "id": "a2", "filename": "ü.txt", "url": "https://example.org/2"},
]


async def pair(server, users):
    alice, bob = users("alice", "bob")
    return await server.connect(alice), await server.connect(bob), alice, bob


async def test_new(server, users):
    a, b, alice, bob = await pair(server, users)
    answer = await a.ok("new", {"chatId": bob, "message": "hi", "clientMessageId": "c1"})
    assert answer["messageId"] == 1 and answer["clientMessageId"] == "c1"
    assert isinstance(answer["timestamp"], int)
    event = await b.expect_event("new", chatId=alice, sender=alice, messageId=1,
                                 clientMessageId="c1", message="hi", missed=1,
                                 timestamp=answer["timestamp"])
    assert event["seq"] == 1 and "redelivered" not in event
    a.assert_no_event()


async def test_new_without_client_message_id(server, users):
    a, b, alice, bob = await pair(server, users)
    answer = await a.ok("new", {"chatId": bob, "message": "hi"})
    assert answer.get("clientMessageId") is None
    event = await b.expect_event("new", chatId=alice, message="hi")
    assert event["payload"].get("clientMessageId") is None


@pytest.mark.parametrize("text", [
    "x", " ", "a\tb\nc", 'quo"te \\ back', "\u2028\u2029\x7f\ufeff",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001d11e \U0001de00", "</script>", "x" * 32768,
    "ä" * 16384, "\x01" * 5000, "'; DROP TABLE message; --", "%s%n", '{"type":"ack","id":1}'])
async def test_text_arrives_as_it_was(server, users, text):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob, text)
    await b.expect_event("new", message=text)
    assert (await b.ok("messages", {"chatId": alice}))["messages"][0]["message"] == text


async def test_lone_surrogate(server, users):
    """JSON lets it be written, UTF-8 does not: the replacement character arrives."""
    a, b, alice, bob = await pair(server, users)
    await a.send('{"type":"request","id":"r","payloadType":"new","payload":'
                 '{"chatId":"%s","message":"a\\ud800b"}}' % bob)
    assert "error" not in await a.response("r")
    await b.expect_event("new", message="a\ufffdb")


async def test_ids_count_by_one_in_a_chat(server, users):
    a, b, alice, bob = await pair(server, users)
    for number in range(1, 6):
        writer, reader = (a, bob) if number % 2 else (b, alice)
        assert (await writer.new(reader))["messageId"] == number
    other = users("carol") + ".other"
    assert (await a.new(other))["messageId"] == 1
    del b


async def test_missed_counts_up(server, users):
    a, b, alice, bob = await pair(server, users)
    for number in range(1, 4):
        await a.new(bob)
        await b.expect_event("new", missed=number)
    await b.ok("read", {"chatId": alice})
    await a.expect_event("read")
    await a.new(bob)
    await b.expect_event("new", missed=1)


async def test_attachments(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.ok("new", {"chatId": bob, "attachments": ATTACHMENTS})
    event = await b.expect_event("new", attachments=ATTACHMENTS)
    assert "message" not in event["payload"]
    message = (await b.ok("messages", {"chatId": alice}))["messages"][0]
    assert message["attachments"] == ATTACHMENTS and "message" not in message


@pytest.mark.parametrize("kind", ["file", "image", "video", "audio", "voice"])
async def test_attachment_types(server, users, kind):
    a, b, alice, bob = await pair(server, users)
    attachment = {"type": kind, "id": "x", "filename": "x", "url": "x"}
    await a.ok("new", {"chatId": bob, "message": "look", "attachments": [attachment]})
    await b.expect_event("new", attachments=[attachment], message="look")


async def test_reply(server, users):
    a, b, alice, bob = await pair(server, users)
    first = await a.ok("new", {"chatId": bob, "message": "question?", "clientMessageId": "q"})
    await b.expect_event("new")
    await b.ok("new", {"chatId": alice, "message": "answer.", "replyTo": 1})
    quoted = {"messageId": 1, "clientMessageId": "q", "sender": alice,
              "createdAt": first["timestamp"], "message": "question?"}
    events = await a.expect_events("new", "read")
    assert events["new"]["payload"]["replyTo"] == quoted
    for client, chat in ((a, bob), (b, alice)):
        message = (await client.ok("messages", {"chatId": chat}))["messages"][1]
        assert message["replyTo"] == quoted


async def test_reply_to_what_was_deleted_since(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob, "secret")
    await b.new(alice, "oh", replyTo=1)
    await a.ok("delete", {"chatId": bob, "originalMessageId": 1})
    page = await b.ok("messages", {"chatId": alice})
    assert page["messages"][1]["replyTo"]["messageId"] == 1
    assert "secret" not in str(page)


async def test_forward(server, users):
    a, b, alice, bob = await pair(server, users)
    carol = users("carol") + ".c"
    c = await server.connect(carol)
    await a.new(bob, "news")
    await b.expect_event("new")
    await b.ok("new", {"chatId": carol, "message": "news",
                       "forwardedFrom": {"chatId": alice, "messageId": 1}})
    event = await c.expect_event("new", message="news")
    source = event["payload"]["forwardedFrom"]
    assert source["messageId"] == 1
    message = (await c.ok("messages", {"chatId": bob}))["messages"][0]
    assert message["forwardedFrom"] == source


async def test_chat_with_oneself(server, users):
    alice = users("alice")
    phone = await server.connect(alice, "phone")
    laptop = await server.connect(alice, "laptop")
    assert (await phone.new(alice, "remember"))["messageId"] == 1
    event = await laptop.expect_event("new", chatId=alice, sender=alice, message="remember")
    assert event["payload"]["missed"] == 0
    assert (await laptop.new(alice, "the milk"))["messageId"] == 2
    await phone.expect_event("new", message="the milk", missed=0)
    page = await phone.ok("messages", {"chatId": alice})
    assert [m["message"] for m in page["messages"]] == ["remember", "the milk"]
    item, = (await phone.ok("chats"))["chats"]
    assert (item["type"], item["id"], item["missed"]) == ("favorites", alice, 0)
    phone.assert_no_event()


async def test_own_devices_agree(server, users):
    """What a user does on one device his other devices hear of; the one that did
    it is not told."""
    alice, bob = users("alice", "bob")
    phone = await server.connect(alice, "phone")
    laptop = await server.connect(alice, "laptop")
    b = await server.connect(bob)
    await phone.ok("new", {"chatId": bob, "message": "one", "clientMessageId": "c"})
    await laptop.expect_event("new", chatId=bob, sender=alice, message="one", clientMessageId="c")
    await phone.ok("edit", {"chatId": bob, "originalMessageId": 1, "message": "two"})
    await laptop.expect_event("edit", chatId=bob, sender=alice, originalMessageId=1, message="two")
    await phone.ok("delete", {"chatId": bob, "originalMessageId": 1})
    await laptop.expect_event("delete", chatId=bob, sender=alice, originalMessageId=1)
    for kind in ("new", "edit", "delete"):
        await b.expect_event(kind, chatId=alice)
    await b.new(alice, "hm")
    for client in (phone, laptop):
        events = await client.expect_events("new", "read")
        assert events["new"]["payload"]["message"] == "hm"
    await laptop.ok("read", {"chatId": bob})
    await phone.expect_event("read", chatId=bob, userId=alice)
    await phone.barrier()
    await laptop.barrier()
    phone.assert_no_event()
    laptop.assert_no_event()


async def test_edit(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob, "helo", clientMessageId="c1")
    await b.expect_event("new")
    answer = await a.ok("edit", {"chatId": bob, "originalMessageId": 1, "message": "hello",
                                 "clientMessageId": "c2"})
    assert answer["messageId"] == 2 and answer["clientMessageId"] == "c2"
    event = await b.expect_event("edit", chatId=alice, sender=alice, messageId=2,
                                 originalMessageId=1, originalClientMessageId="c1",
                                 message="hello", timestamp=answer["timestamp"])
    assert "attachments" not in event["payload"]
    first, service = (await b.ok("messages", {"chatId": alice}))["messages"]
    assert first["message"] == "hello" and first["updatedAt"] == answer["timestamp"]
    assert first["type"] == "new" and service["type"] == "edit"
    assert service["payload"] == {"originalMessageId": 1, "originalClientMessageId": "c1"}


async def test_edit_by_client_message_id(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob, "helo", clientMessageId="c1")
    await b.expect_event("new")
    await a.ok("edit", {"chatId": bob, "originalClientMessageId": "c1", "message": "hello"})
    await b.expect_event("edit", originalMessageId=1, originalClientMessageId="c1")


async def test_edit_leaves_what_is_not_given(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob, "look", attachments=ATTACHMENTS[:1])
    await a.ok("edit", {"chatId": bob, "originalMessageId": 1, "attachments": ATTACHMENTS})
    await a.ok("edit", {"chatId": bob, "originalMessageId": 1, "message": "see"})
    message = (await b.ok("messages", {"chatId": alice}))["messages"][0]
    assert message["message"] == "see" and message["attachments"] == ATTACHMENTS


async def test_delete_for_all(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob, "oops", clientMessageId="c1", attachments=ATTACHMENTS)
    await b.expect_event("new", missed=1)
    answer = await a.ok("delete", {"chatId": bob, "originalClientMessageId": "c1"})
    assert answer["messageId"] == 2
    await b.expect_event("delete", chatId=alice, sender=alice, messageId=2, originalMessageId=1,
                         originalClientMessageId="c1", timestamp=answer["timestamp"])
    for client, chat in ((a, bob), (b, alice)):
        first, service = (await client.ok("messages", {"chatId": chat}))["messages"]
        assert first["deletedAt"] == answer["timestamp"]
        assert "message" not in first and "attachments" not in first
        assert service["type"] == "delete"
    assert first["status"] == "deleted"
    assert (await b.ok("chat", {"chatId": alice}))["missed"] == 0


async def test_delete_takes_message_id_too(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob)
    await a.ok("delete", {"chatId": bob, "messageId": 1, "for": "all"})
    await b.expect_event("new")
    await b.expect_event("delete", originalMessageId=1)


async def test_delete_twice_is_the_same(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.new(bob)
    first = await a.ok("delete", {"chatId": bob, "originalMessageId": 1})
    assert await a.ok("delete", {"chatId": bob, "originalMessageId": 1}) == first
    await a.new(bob, "next")
    await b.expect_event("new")
    await b.expect_event("delete")
    await b.expect_event("new", message="next", messageId=3)


async def test_delete_for_me(server, users):
    """Anybody may; the others, and his messages to them, are not touched."""
    a, b, alice, bob = await pair(server, users)
    laptop = await server.connect(bob, "laptop")
    await a.new(bob, "one")
    await a.new(bob, "two")
    await b.expect_event("new", missed=1)
    await b.expect_event("new", missed=2)
    answer = await b.ok("delete", {"chatId": alice, "originalMessageId": 1, "for": "me"})
    assert answer["messageId"] == 1
    page = await b.ok("messages", {"chatId": alice})
    assert [m["message"] for m in page["messages"]] == ["two"]
    page = await a.ok("messages", {"chatId": bob})
    assert [m["message"] for m in page["messages"]] == ["one", "two"]
    assert (await b.ok("chat", {"chatId": alice}))["missed"] == 1
    await a.barrier()
    a.assert_no_event()
    await laptop.expect_event("new")
    await laptop.expect_event("new")
    await laptop.expect_event("delete", chatId=alice, originalMessageId=1)
    again = await b.ok("delete", {"chatId": alice, "originalMessageId": 1, "for": "me"})
    assert again["messageId"] == 1


async def test_call(server, users):
    a, b, alice, bob = await pair(server, users)
    answer = await a.ok("call", {"chatId": bob, "callId": "x", "caller": alice,
                                 "callType": "audio", "callDuration": 0})
    assert answer["messageId"] == 1
    await b.expect_event("call", chatId=alice, messageId=1, direction="incoming", status="missed",
                         callType="audio", timestamp=answer["timestamp"])
    answer = await a.ok("call", {"chatId": bob, "callId": "y", "caller": bob,
                                 "participants": [alice, bob], "callType": "video",
                                 "callDuration": 12})
    await b.expect_event("call", direction="outgoing", status="received", callType="video")


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


async def test_order_of_requests_of_different_kinds(server, users):
    a, b, alice, bob = await pair(server, users)
    await a.begin("new", {"chatId": bob, "message": "one", "clientMessageId": "c"})
    await a.begin("edit", {"chatId": bob, "originalClientMessageId": "c", "message": "two"})
    await a.begin("delete", {"chatId": bob, "originalClientMessageId": "c"})
    last = await a.begin("new", {"chatId": bob, "message": "three"})
    assert (await a.response(last))["payload"]["messageId"] == 4
    for kind, number in (("new", 1), ("edit", 2), ("delete", 3), ("new", 4)):
        await b.expect_event(kind, messageId=number)


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
