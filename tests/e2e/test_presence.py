# SPDX-License-Identifier: BSD-2-Clause
"""Presence: who of those one shares a dialog with comes and goes."""
import pytest

import harness
from client import check_error


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Who has gone is gone after 50 ms."""
    server = harness.Server(tmp_path_factory.mktemp("server"),
                            plugins={"presence": {"offline_grace": "50ms"}})
    server.start()
    yield server
    server.stop()
    server.retire()


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """Nobody is gone before the tests are over."""
    server = harness.Server(tmp_path_factory.mktemp("server"),
                            plugins={"presence": {"offline_grace": "10m"}})
    server.start()
    yield server
    server.stop()
    server.retire()


async def dialogs(server, *pairs):
    """A message in each, from a client that is gone again."""
    for user, peer in pairs:
        client = await server.connect(user, "setup")
        await client.new(peer)
        await client.close()


async def came(client, *types):
    """The next events but messages and the like, which must be these; by user."""
    found = []
    while len(found) < len(types):
        event = await client.expect_event()
        if "seq" not in event:
            found.append(event)
    assert sorted(e["eventType"] for e in found) == sorted(types), found
    return {event["payload"]["userId"]: event for event in found}


async def test_coming_and_going(quick, users):
    alice, bob, carol = users("alice", "bob", "carol")
    b = await quick.connect(bob)
    await b.new(alice, "hello")
    a = await quick.connect(alice)
    event = (await came(a, "online"))[bob]
    assert event["payload"] == {"userId": bob} and "seq" not in event
    event = (await came(b, "online"))[alice]
    assert event["payload"] == {"userId": alice} and "redelivered" not in event
    assert await b.ok("lastSeen", {"chatId": alice}) == {"userId": alice, "online": True}
    # carol shares no dialog with anybody
    c = await quick.connect(carol)
    laptop = await quick.connect(alice, "laptop")
    await came(laptop, "online")
    await a.kill()  # another device is there: nobody is told
    before = (await b.ok("new", {"chatId": bob, "message": "a note"}))["timestamp"]
    await laptop.close()
    event = (await came(b, "offline"))[alice]
    seen = event["payload"]["lastSeen"]
    assert event["payload"] == {"userId": alice, "lastSeen": seen}
    assert before <= seen <= event["timestamp"]
    assert await b.ok("lastSeen", {"chatId": alice}) == {
        "userId": alice, "online": False, "lastSeen": seen}
    await c.fails("not_found", "lastSeen", {"chatId": alice})
    await c.barrier()
    c.assert_no_event()


async def test_background(quick, users):
    alice, bob = users("alice", "bob")
    a, b = await quick.connect(alice), await quick.connect(bob)
    await a.new(bob)
    laptop = await quick.connect(alice, "laptop")
    assert set(await came(laptop, "online")) == {bob}
    await laptop.event("offline")
    await laptop.barrier()
    await a.event("offline", {})
    await came(b, "offline")  # once, and by the second of them
    await a.event("online")
    await came(b, "online")
    await laptop.event("online", {})
    await a.event("offline")
    await a.barrier()
    await laptop.kill()
    await came(b, "offline")


async def test_back_within_the_grace(slow, users):
    """Nobody hears of it; both at once hear of each other once."""
    alice, bob = users("alice", "bob")
    await dialogs(slow, (alice, bob))
    b = await slow.connect(bob)
    await came(b, "online")  # alice's device that wrote is gone, and she is in the grace
    for _ in range(3):
        a = await slow.connect(alice)
        assert set(await came(a, "online")) == {bob}
        await a.kill()
    a = await slow.connect(alice)
    await came(a, "online")
    await a.new(bob, "still here")
    while (await b.expect_event())["payload"].get("message") != "still here":
        pass
    assert [e["eventType"] for e in b.events if "seq" not in e] == ["online"]


@pytest.mark.parametrize("payload, code, path", [
    (None, "bad_payload", "chatId"), ({"chatId": 1}, "bad_payload", "chatId"),
    ({"chatId": "grp_1"}, "not_found", None), ({"chatId": "nobody"}, "not_found", None)])
async def test_bad(slow, users, payload, code, path):
    a = await slow.connect(users("alice"))
    check_error(await a.request("lastSeen", payload), code, path)


async def last_seen_in_chats(client):
    """By chat, as `chats` has it, and `chat` of each; None: the field is not there."""
    listed = {item["id"]: item for item in (await client.ok("chats"))["chats"]}
    for chat, item in listed.items():
        assert await client.ok("chat", {"chatId": chat}) == item
    assert all("lastSeen" not in item for item in listed.values() if item["type"] != "dialog")
    return {chat: item.get("lastSeen") for chat, item in listed.items()}


async def test_after_a_restart(start_server):
    """lastSeen is there again, in the list of chats too, also of who was here when the server
    stopped, and, as of a moment before, when it was killed."""
    own = start_server(plugins={"presence": {"offline_grace": "10ms", "seen_interval": "50ms"}},
                       storage=harness.DURABLE)
    a, b, c = [await own.connect(user) for user in ("alice", "bob", "carol")]
    await a.new("bob")
    await a.new("carol")
    await a.new("alice")
    await a.new("dave")  # who was never here
    group = (await a.ok("newChat", {"name": "G", "participants": ["bob"]}))["chatId"]
    here = {"bob": None, "carol": None, "alice": None, "dave": None, group: None}
    assert await last_seen_in_chats(a) == here
    await b.close()
    # that they share a dialog came after they had: alice is told when he goes
    seen = (await came(a, "offline"))["bob"]["payload"]["lastSeen"]
    assert await last_seen_in_chats(a) == {**here, "bob": seen}
    stopped = (await c.new("alice"))["timestamp"]
    own.stop()
    own.start()
    a = await own.connect("alice")
    assert await a.ok("lastSeen", {"chatId": "bob"}) == {
        "userId": "bob", "online": False, "lastSeen": seen}
    carol = await a.ok("lastSeen", {"chatId": "carol"})
    assert not carol["online"] and carol["lastSeen"] >= stopped
    assert await last_seen_in_chats(a) == {**here, "bob": seen, "carol": carol["lastSeen"]}
    c = await own.connect("carol")
    assert set(await came(c, "online")) == {"alice"}
    assert set(await came(a, "online")) == {"carol"}
    assert await last_seen_in_chats(a) == {**here, "bob": seen}
    killed = (await c.new("alice"))["timestamp"]
    saved = own.metric("parlance_presence_saved_total")
    await harness.eventually(  # each of two, behind what was under way
        lambda: own.metric("parlance_presence_saved_total") >= saved + 6, "all were stored again")
    own.kill()
    own.start()
    a = await own.connect("alice")
    told = await last_seen_in_chats(a)
    assert told["carol"] >= killed
    assert told == {**here, "bob": seen, "carol": told["carol"]}


async def test_many_dialogs(quick, users):
    """More than a page of them: all are told, each once."""
    alice = users("alice")
    peers = [f"{alice}-{number:03}" for number in range(300)]
    a = await quick.connect(alice)
    for request in [await a.begin("new", {"chatId": peer, "message": "x"}) for peer in peers]:
        check = await a.response(request)
        assert "error" not in check
    await a.close()
    here = [await quick.connect(peer) for peer in peers[::30]]
    a = await quick.connect(alice)
    told = await came(a, *["online"] * len(here))
    assert sorted(told) == peers[::30]
    for client in here:
        await client.until(lambda client=client: any(
            e["eventType"] == "online" for e in client.events), "online")
