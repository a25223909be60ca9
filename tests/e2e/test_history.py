# SPDX-License-Identifier: BSD-2-Clause
"""The history requests: messages, chats, chat."""
import pytest

from harness import DURABLE


async def written(server, users, n):
    """alice's client and bob's, after alice wrote n messages; and the names."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    requests = [await a.begin("new", {"chatId": bob, "message": str(i + 1)}) for i in range(n)]
    for request in requests:
        assert "error" not in await a.response(request)
    return a, b, alice, bob


def ids(page):
    return [message["messageId"] for message in page["messages"]]


@pytest.mark.parametrize("payload, expected, more", [
    ({}, range(71, 121), True),
    ({"count": 500}, range(1, 121), False),
    ({"count": 120}, range(1, 121), False),
    ({"count": 119}, range(2, 121), True),
    ({"count": 1}, range(120, 121), True),
    ({"endId": 71}, range(21, 71), True),
    ({"endId": 21}, range(1, 21), False),
    ({"endId": 21, "count": 20}, range(1, 21), False),
    ({"endId": 22, "count": 20}, range(2, 22), True),
    ({"endId": 1}, [], False),
    ({"endId": 2 ** 53}, range(71, 121), True),
    ({"startId": 1}, range(1, 51), True),
    ({"startId": 71}, range(71, 121), False),
    ({"startId": 70}, range(70, 120), True),
    ({"startId": 119, "count": 1}, range(119, 120), True),
    ({"startId": 120}, range(120, 121), False),
    ({"startId": 121}, [], False),
    ({"startId": 2 ** 53}, [], False),
])
async def test_pages(server, users, payload, expected, more):
    a, b, alice, bob = await written(server, users, 120)
    for client, chat in ((a, bob), (b, alice)):
        page = await client.ok("messages", {"chatId": chat, **payload})
        assert ids(page) == list(expected)
        assert page["hasMore"] is more


async def test_all_by_pages(server, users):
    """Back from the end and on from the beginning, nothing left out or twice."""
    a, _, _, bob = await written(server, users, 95)
    back, payload = [], {}
    while True:
        page = await a.ok("messages", {"chatId": bob, "count": 10, **payload})
        back = ids(page) + back
        if not page["hasMore"]:
            break
        payload = {"endId": back[0]}
    assert back == list(range(1, 96))
    on, payload = [], {"startId": 1}
    while True:
        page = await a.ok("messages", {"chatId": bob, "count": 10, **payload})
        on += ids(page)
        if not page["hasMore"]:
            break
        payload = {"startId": on[-1] + 1}
    assert on == back


async def test_pages_of_long_messages(server, users):
    """A page is bounded in bytes too; what does not fit comes with the next."""
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    for i in range(30):
        await a.new(bob, f"{i}" + "x" * 30000)
    seen, payload = [], {"startId": 1}
    while True:
        page = await a.ok("messages", {"chatId": bob, "count": 500, **payload})
        assert page["messages"], "a page that says there is more but has nothing"
        seen += ids(page)
        if not page["hasMore"]:
            break
        payload = {"startId": seen[-1] + 1}
    assert seen == list(range(1, 31))


async def test_empty_chat(server, users):
    alice, bob = users("alice", "bob")
    a = await server.connect(alice)
    for chat in (bob, alice):
        assert await a.ok("messages", {"chatId": chat}) == {"messages": [], "hasMore": False}
        await a.fails("not_found", "chat", {"chatId": chat})
    assert (await a.ok("chats"))["chats"] == []


async def test_message(server, users):
    """Every field of a Message, and none besides."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    first = await a.ok("new", {"chatId": bob, "message": "one", "clientMessageId": "c1"})
    await b.ok("new", {"chatId": alice, "message": "two", "replyTo": 1})
    one, two = (await a.ok("messages", {"chatId": bob}))["messages"]
    assert one == {"messageId": 1, "clientMessageId": "c1", "sender": alice, "type": "new",
                   "message": "one", "status": "read", "createdAt": first["timestamp"]}
    two.pop("createdAt")
    assert two == {"messageId": 2, "sender": bob, "type": "new", "message": "two",
                   "status": "unread", "replyTo": {
                       "messageId": 1, "clientMessageId": "c1", "sender": alice,
                       "createdAt": first["timestamp"], "message": "one"}}


async def test_status(server, users):
    """undelivered, unread, read, deleted, as the sender sees them."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)

    async def statuses():
        return [m["status"] for m in (await a.ok("messages", {"chatId": bob}))["messages"]]

    for _ in range(4):
        await a.new(bob)
    assert await statuses() == ["undelivered"] * 4
    await b.ok("dlvrd", {"chatId": alice, "messageId": 3})
    assert await statuses() == ["unread"] * 3 + ["undelivered"]
    await b.ok("read", {"chatId": alice, "messageId": 2})
    assert await statuses() == ["read"] * 2 + ["unread"] + ["undelivered"]
    await a.ok("delete", {"chatId": bob, "originalMessageId": 1})
    assert (await statuses())[:4] == ["deleted", "read", "unread", "undelivered"]
    await b.ok("read", {"chatId": alice})
    assert (await statuses())[:4] == ["deleted", "read", "read", "read"]


async def test_chat_list_item(server, users):
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    await a.new(bob, "one")
    last = await a.new(bob, "two")
    item, = (await b.ok("chats"))["chats"]
    assert item == {"type": "dialog", "id": alice, "lastMessageId": 2, "lastMessageText": "two",
                    "lastMessageTime": last["timestamp"], "lastMessageAuthor": alice,
                    "lastMessageStatus": item["lastMessageStatus"], "missed": 2,
                    "firstMissed": 1, "isMine": False}
    mine, = (await a.ok("chats"))["chats"]
    assert mine == {"type": "dialog", "id": bob, "lastMessageId": 2, "lastMessageText": "two",
                    "lastMessageTime": last["timestamp"], "lastMessageAuthor": alice,
                    "lastMessageStatus": "undelivered", "missed": 0, "isMine": True}
    assert await b.ok("chat", {"chatId": alice}) == item
    assert await a.ok("chat", {"chatId": bob}) == mine
    await b.ok("read", {"chatId": alice, "messageId": 1})
    item = await b.ok("chat", {"chatId": alice})
    assert (item["missed"], item["firstMissed"]) == (1, 2)
    await b.ok("read", {"chatId": alice})
    item = await b.ok("chat", {"chatId": alice})
    assert item["missed"] == 0 and "firstMissed" not in item
    assert (await a.ok("chat", {"chatId": bob}))["lastMessageStatus"] == "read"


async def test_chat_list_order_and_pages(server, users):
    """The latest first; `after` goes on behind that chat."""
    alice = users("alice")
    a = await server.connect(alice)
    peers = [f"{alice}.peer{i}" for i in range(25)]
    for peer in peers:
        await a.new(peer)
    await a.new(peers[3], "again")
    expected = [peers[3]] + [p for p in reversed(peers) if p != peers[3]]
    seen, payload = [], {}
    while True:
        page = (await a.ok("chats", {"count": 10, **payload}))["chats"]
        seen += [item["id"] for item in page]
        if len(page) < 10:
            break
        payload = {"after": page[-1]["id"]}
    assert seen == expected


async def test_hidden_and_deleted_in_the_list(server, users):
    """The last message is the last one shown to the user who asks."""
    alice, bob = users("alice", "bob")
    a, b = await server.connect(alice), await server.connect(bob)
    await a.new(bob, "one")
    await a.new(bob, "two")
    await b.ok("delete", {"chatId": alice, "originalMessageId": 2, "for": "me"})
    item = await b.ok("chat", {"chatId": alice})
    assert item["lastMessageText"] == "one" and item["missed"] == 1
    assert (await a.ok("chat", {"chatId": bob}))["lastMessageText"] == "two"
    await a.ok("delete", {"chatId": bob, "originalMessageId": 1})
    assert (await b.ok("chat", {"chatId": alice}))["missed"] == 0


async def test_history_outlives_a_restart(start_server):
    own = start_server(storage=DURABLE)
    a, b = await own.connect("alice"), await own.connect("bob")
    await a.new("bob", "one", clientMessageId="c1")
    await b.new("alice", "two", replyTo=1)
    await a.ok("edit", {"chatId": "bob", "originalMessageId": 1, "message": "uno"})
    await b.ok("delete", {"chatId": "alice", "originalMessageId": 2})
    await a.ok("read", {"chatId": "bob"})

    async def everything(client, peer):
        return [await client.ok("messages", {"chatId": peer}), await client.ok("chats")]

    before = await everything(a, "bob"), await everything(b, "alice")
    await own.restart()
    a, b = await own.connect("alice"), await own.connect("bob")
    assert (await everything(a, "bob"), await everything(b, "alice")) == before
    assert (await a.new("bob", "three"))["messageId"] == 5
