# SPDX-License-Identifier: BSD-2-Clause
"""What the devices of a large group see: each message once, all in one order, each with what its
user has not read. One message is one text that the server shares among all, with a number of
each one's own; what a device gets later comes out of the storage, and must be the same."""
import asyncio

import pytest

from harness import in_thread

WINDOW = 8
PEOPLE = 30


@pytest.fixture
def connected(start_server):
    """(phones, laptops) of so many users; the laptops ack nothing by themselves, so a window of
    them is full soon. A second device is told from when it is on record on."""
    async def connect(names):
        server = start_server(server={"ack_window": WINDOW})
        phones = [await server.connect(name, "phone") for name in names]
        laptops = [await server.connect(name, "laptop", auto_ack=False) for name in names]
        await asyncio.gather(*(client.barrier() for client in phones + laptops))
        return phones, laptops
    return connect


async def grouped(phones, laptops):
    """The first makes a group of them all."""
    answer = await phones[0].ok("newChat", {
        "name": "all of us", "participants": [phone.user for phone in phones[1:]]})
    assert answer["members"] == len(phones)
    for client in phones[1:] + laptops:
        event = await client.expect_event("newChat", chatId=answer["chatId"])
        if not client.auto_ack:
            await client.ack(event)
    return answer["chatId"]


async def write(client, chat, numbers):
    for number in numbers:
        await client.new(chat, f"{client.user} {number}")


async def take(client, n):
    """The next so many events, acked, as (seq, payload); each comes once, and in order."""
    events = []
    for _ in range(n):
        event = await client.expect_event("new")
        events.append((event["seq"], event["payload"]))
        if not client.auto_ack:
            await client.ack(event)
    assert [e[0] for e in events] == list(range(events[0][0], events[0][0] + n))
    return events


def shared(payload):
    return {key: value for key, value in payload.items() if key != "missed"}


async def test_each_message_once_in_one_order(connected, users):
    names = users(*(f"person{i}" for i in range(PEOPLE)))
    phones, laptops = await connected(names)
    chat = await grouped(phones, laptops)
    await asyncio.gather(*(write(phones[i], chat, range(3)) for i in range(5)))
    total = 15

    # who has asked for it on one device is told on the other alone
    mine = await take(laptops[-1], total)
    messages = [shared(payload) for _, payload in mine]
    assert [m["messageId"] for m in messages] == list(range(1, total + 1))
    for phone, laptop in zip(phones, laptops):
        on_laptop = mine if laptop is laptops[-1] else await take(laptop, total)
        unread = 0
        for (_, payload), message in zip(on_laptop, messages):
            unread += message["sender"] != laptop.user
            assert payload == {**message, "missed": unread}
        others = [e for e in on_laptop if e[1]["sender"] != phone.user]
        on_phone = [await phone.expect_event("new") for _ in others]
        assert [(e["seq"], e["payload"]) for e in on_phone] == others

    # what one has read counts for him alone; and what was not acked is the same the second time
    await phones[9].ok("read", {"chatId": chat})
    await laptops[9].ack(await laptops[9].expect_event("read", userId=names[9]))
    await phones[0].new(chat, "the last")
    await phones[1].expect_event("read", userId=names[9])
    await laptops[1].ack(await laptops[1].expect_event("read", userId=names[9]))
    for i, missed in ((9, 1), (1, total + 1 - 3), (PEOPLE - 1, total + 1)):
        await phones[i].expect_event("new", message="the last", missed=missed)
        first = await laptops[i].expect_event("new", message="the last", missed=missed)
        await laptops[i].barrier()
        await laptops[i].kill()
        again = await laptops[i].server.connect(names[i], "laptop")
        second = await again.expect_event("new")
        assert second["redelivered"] and second["seq"] == first["seq"]
        assert second["payload"] == first["payload"]
        await again.barrier()
        again.assert_no_event()


async def test_who_is_removed_hears_nothing_more(connected, users):
    """While others write: his last message is the one before his removal, on each device."""
    phones, laptops = await connected(users("alice", "bob", "carol", "dave", "erin"))
    chat = await grouped(phones, laptops)
    carol = [phones[2], laptops[2]]

    async def remove():
        for number in range(1, WINDOW + 1):
            await phones[4].expect_event("new", messageId=number)
        await phones[0].ok("removeParticipants",
                           {"chatId": chat, "participants": [phones[2].user]})

    await asyncio.gather(remove(), *(write(phones[i], chat, range(15)) for i in (1, 3)))
    before = WINDOW
    while (event := await phones[4].expect_event())["eventType"] == "new":
        before += 1
        assert event["payload"]["messageId"] == before
    assert event["eventType"] == "updateChat"
    assert event["payload"]["removed"] == [phones[2].user] and event["payload"]["members"] == 4
    assert WINDOW <= before <= 30
    for client in carol:
        seen = await take(client, before)
        assert [payload["messageId"] for _, payload in seen] == list(range(1, before + 1))
        assert [payload["missed"] for _, payload in seen] == list(range(1, before + 1))
        await client.expect_event("deleteChat", chatId=chat)
        await client.barrier()
        client.assert_no_event()
        await client.fails("not_found", "messages", {"chatId": chat})
    for number in range(before + 1, 31):
        await phones[4].expect_event("new", messageId=number, missed=number)
    await phones[0].ok("addParticipants", {"chatId": chat, "participants": [phones[2].user]})
    for client in carol:
        await client.expect_event("newChat", chatId=chat)


@pytest.mark.storage("postgres")
async def test_what_stands_though_nobody_knows(make_rig):
    """The answer to a COMMIT is lost, and so is the list of those who are to be told. They look,
    all of them, though nobody sends anything again and nothing else happens."""
    rig = make_rig(proxy=True, server={"cursor_interval": "1m"})
    server = rig.server.start()
    phones = [await server.connect(name, "phone") for name in ("alice", "bob", "carol")]
    laptop = await server.connect("alice", "laptop")
    await laptop.barrier()
    chat = await grouped(phones, [laptop])
    await phones[0].new(chat, "1")
    for client in *phones[1:], laptop:
        await client.expect_event("new", messageId=1)
        await client.barrier()
    await rig.connected()
    cut = rig.proxy.cut("during")
    asked = await phones[0].begin("new", {"chatId": chat, "message": "2"})
    await in_thread(cut.wait)
    assert (await phones[0].response(asked))["error"]["code"] == "unavailable"
    rig.proxy.heal()
    await rig.ready()
    for client, missed in ((phones[1], 2), (phones[2], 2), (laptop, 0)):
        await client.expect_event("new", messageId=2, message="2", missed=missed)
    assert server.metric("parlance_stream_sweeps_total") >= 1
