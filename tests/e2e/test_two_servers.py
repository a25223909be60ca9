# SPDX-License-Identifier: BSD-2-Clause
"""Several parlanced on one PostgreSQL database, writing the same chats at once: numbers are
unique and have no holes, everybody reads the same order, a message that both were
sent is stored once, and when one dies its devices come back through another. What
one stored the others tell when a device connects, or with the next event."""
import asyncio

import pytest

from client import Client
from crowd import Crowd, history
from harness import Database, cluster, eventually, in_thread

pytestmark = pytest.mark.storage("postgres")


@pytest.fixture
def make_servers(make_server):
    """So many that are not started yet, on one database."""
    def make(number, plugins=None, **options):
        first = make_server(storage="postgres", plugins=plugins, **options)
        more = [make_server(storage="postgres", plugins={
            "storage_postgres": {"conninfo": Database.of(first.directory)}, **(plugins or {})},
            **options) for _ in range(number - 1)]
        return [first, *more]

    return make


@pytest.fixture
def two(make_servers):
    return [server.start() for server in make_servers(2, server={"cursor_interval": "10ms"})]


def sql(server, text):
    return cluster().sql(text, Database.names[server.directory])


# ------------------------------------------------------------------- beginning

async def test_started_at_once_on_an_empty_database(make_servers):
    """One of them makes the tables, the others find them made."""
    servers = make_servers(4)
    await asyncio.gather(*(in_thread(server.start) for server in servers))
    assert sql(servers[0], "SELECT count(*) FROM meta") == "1"
    assert sql(servers[0], "SELECT count(*) FROM server") == "4"
    for number, server in enumerate(servers):
        client = await server.connect(f"user {number}")
        assert (await client.new("bob", "hello"))["messageId"] == 1
        await client.close()
    for server in servers:
        await server.end()
    assert sql(servers[0], "SELECT count(*) FROM server") == "0"


# ------------------------------------------------------------------- one chat

async def test_one_chat_written_by_both(two):
    """Of each server's answers the numbers go up; of both together each number is there once."""
    clients = [await server.connect(user) for server in two for user in ("alice", "bob")]
    peers = {"alice": "bob", "bob": "alice"}
    asked = [[await client.begin("new", {"chatId": peers[client.user], "message": str(i),
                                         "clientMessageId": f"{number} {i}"})
              for i in range(100)] for number, client in enumerate(clients)]
    found = {}
    for client, requests in zip(clients, asked):
        answers = [(await client.response(request))["payload"] for request in requests]
        numbers = [answer["messageId"] for answer in answers]
        assert numbers == sorted(numbers), "not in the order in which they were sent"
        found.update((answer["messageId"], (client.user, answer["clientMessageId"]))
                     for answer in answers)
    assert sorted(found) == list(range(1, 401)), "numbers doubled or missing"
    for client in clients:
        read = {message["messageId"]: (message["sender"], message["clientMessageId"])
                for message in await history(client, peers[client.user])}
        assert read == found


async def test_one_message_sent_to_both(two):
    """At the same time, under one clientMessageId: answered alike, stored once, told once."""
    phone = await two[0].connect("alice", "phone")
    laptop = await two[1].connect("alice", "laptop")
    for number in range(1, 51):
        payload = {"chatId": "bob", "message": str(number), "clientMessageId": str(number)}
        first, second = await asyncio.gather(phone.ok("new", payload), laptop.ok("new", payload))
        assert first == second and first["messageId"] == number
    assert sql(two[0], "SELECT count(*), max(seq) FROM event JOIN users ON usr = users.id"
                       " WHERE name = 'bob'") == "50|50"
    bob = await two[1].connect("bob")
    for number in range(1, 51):
        assert (await bob.expect_event("new", message=str(number)))["seq"] == number
    assert len(await history(bob, "alice")) == 50


async def test_another_message_sent_to_both(two):
    """With one clientMessageId but another text: one is the message, the other a conflict."""
    phone = await two[0].connect("alice", "phone")
    laptop = await two[1].connect("alice", "laptop")
    for number in range(1, 51):
        answers = await asyncio.gather(*(
            client.request("new", {"chatId": "bob", "message": f"{number} {client.device}",
                                   "clientMessageId": str(number)})
            for client in (phone, laptop)))
        good = [answer["payload"]["messageId"] for answer in answers if "payload" in answer]
        bad = [answer["error"]["code"] for answer in answers if "error" in answer]
        assert good == [number] and bad == ["conflict"], answers


async def test_told_with_the_next_event(two):
    """What the other server stored comes in its place, before what is told here."""
    bob = await two[0].connect("bob")
    near, far = await two[0].connect("near"), await two[1].connect("far")
    await near.new("bob", "here")
    await bob.expect_event("new", message="here")
    for number in range(3):
        await far.new("bob", f"there {number}")
    await near.new("bob", "here again")
    for seq, text in enumerate(["there 0", "there 1", "there 2", "here again"], 2):
        assert (await bob.expect_event("new", message=text))["seq"] == seq


# ------------------------------------------------------------------- a crowd

async def same_everywhere(crowd):
    """Both members read the same messages in the same order, whichever server they ask."""
    read = {}
    for server in crowd.servers:
        for name in crowd.names:
            client = await Client(server, name, "reader").open()
            for peer in crowd.names:
                messages = [(m["messageId"], m["sender"], m["createdAt"], m.get("message"))
                            for m in await history(client, peer)]
                assert read.setdefault(frozenset((name, peer)), messages) == messages
            await client.close()


@pytest.mark.parametrize("rounds", [2, pytest.param(40, marks=pytest.mark.long)])
async def test_crowd_on_both(two, rounds):
    """Each device now here, now there."""
    crowd = Crowd(*two)
    for _ in range(rounds):
        async with crowd.at_work():
            await crowd.answers(300)
    await crowd.check()
    await same_everywhere(crowd)


@pytest.mark.parametrize("rounds", [2, pytest.param(40, marks=pytest.mark.long)])
async def test_one_of_them_killed(two, rounds):
    """Its devices come back through the other, and later it comes back itself."""
    crowd = Crowd(*two)
    for number in range(rounds):
        killed, stays = two[number % 2], two[(number + 1) % 2]
        crowd.servers = two
        async with crowd.at_work():
            await crowd.answers(150)
            await in_thread(killed.kill)
        crowd.servers = [stays]
        async with crowd.at_work():
            await crowd.answers(100)
            await in_thread(killed.start)
            await crowd.answers(50)
    crowd.servers = two
    await crowd.check()
    await same_everywhere(crowd)


# ------------------------------------------------------------------- devices

async def test_device_of_a_dead_server(two):
    """It may have been sent all, so all that it has not acked is marked."""
    bob = await two[0].connect("bob", auto_ack=False)
    alice = await two[1].connect("alice")
    for number in range(4):
        await alice.new("bob", str(number))
    await bob.close()
    bob = await two[0].connect("bob", auto_ack=False)
    events = [await bob.expect_event("new", message=str(number)) for number in range(4)]
    await bob.ack(events[0])
    await eventually(lambda: sql(two[0], "SELECT acked FROM device JOIN users ON usr = users.id"
                                         " WHERE users.name = 'bob'") == "1", "a stored cursor")
    two[0].kill()
    bob = await two[1].connect("bob")
    for number in range(1, 4):
        assert (await bob.expect_event("new", message=str(number)))["redelivered"] is True
    await alice.new("bob", "new")
    assert "redelivered" not in await bob.expect_event("new", message="new")


async def test_devices_of_a_dead_server_are_forgotten(make_servers):
    """When the time since their server's death is up, and not while it lives."""
    one, two = [server.start() for server in make_servers(
        2, server={"prune_interval": "10ms", "device_ttl": "1s"})]
    await one.connect("bob")
    gone = await two.connect("carol")
    await gone.close()
    await eventually(lambda: two.metric("parlance_devices_forgotten_total") +
                     one.metric("parlance_devices_forgotten_total") == 1, "carol forgotten")
    assert sql(one, "SELECT count(*) FROM device") == "1"
    one.kill()
    await eventually(lambda: sql(one, "SELECT count(*) FROM device") == "0", "bob forgotten")
    assert sql(one, "SELECT count(*) FROM server") == "1"


# ------------------------------------------------------------------- calls

async def test_removed_at_another_server(make_servers):
    """From a group, while in a call: wherever he is connected he has left it, and the others are
    told; the server that did not do it finds out at its next beat."""
    two = [server.start() for server in make_servers(2, plugins={
        "groups": {}, "calls": {"reconnect_grace": "2s"}})]
    alice, bob = [await two[0].connect(name) for name in ("alice", "bob")]
    carol, dave = [await two[1].connect(name) for name in ("carol", "dave")]
    chat = {"chatId": (await alice.ok("newChat", {"name": "us", "participants": [
        "bob", "carol", "dave"]}))["chatId"]}
    call = {**chat, "callId": "c1"}
    await bob.ok("newCall", {**call, "callType": "audio"})
    await carol.ok("joinCall", call)  # now both servers know it, and the first has an old copy
    assert (await dave.ok("joinCall", call))["participants"] == ["bob", "carol", "dave"]
    await alice.ok("removeParticipants", {**chat, "participants": ["carol"]})
    assert (await bob.ok("joinCall", call))["participants"] == ["bob", "dave"]
    # of this one nothing was heard at the second server, whose copy he is still in
    while await ask_signal(carol, dave, call):
        pass
    # the last one goes there, and nobody who was in the call is left to stand for it
    await alice.ok("removeParticipants", {**chat, "participants": ["bob"]})
    await dave.ok("leaveChat", chat)
    while not (messages := (await alice.ok("messages", chat))["messages"]):
        pass
    assert [(m["sender"], m["type"], m["payload"]) for m in messages] == [
        ("alice", "call", {"direction": "incoming", "status": "received", "callType": "audio"})]
    await alice.fails("not_found", "joinCall", call)


async def ask_signal(sender, receiver, call):
    """Whether a signal is passed on."""
    before = len(receiver.events)
    await sender.event("callSignal", {**call, "to": receiver.user, "data": before})
    await sender.barrier()
    await receiver.barrier()
    return any(event["eventType"] == "callSignal" for event in receiver.events[before:])
