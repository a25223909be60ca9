# SPDX-License-Identifier: BSD-2-Clause
"""The same request sent again (docs/protocol.md, "Sending again"): answered as the
first time, from anywhere, after anything, and told once. That nobody was told
again is shown by the stream: the next event has the next seq."""
import asyncio
import json

import pytest

from harness import DURABLE, within
from wire import TEXT, frame

PICTURE = {"type": "image", "id": "p", "filename": "p.jpg", "url": "https://example.org/p",
           "size": 7, "meta": {"w": 800, "h": 600, "more": {"a": 1.5, "b": [True, None]}}}


class Stage:
    """A dialog with three messages: 1 by bob, 2 by alice, 3 by bob. alice acts on `phone`;
    her device `watch` and bob look on."""

    def __init__(self, server, names=("alice", "bob")):
        self.server = server
        self.alice, self.bob = names
        self.last = {}  # user -> the last seq seen of his stream
        self.marks = 0

    async def connect(self):
        self.phone = await self.server.connect(self.alice, "phone")
        self.watch = await self.server.connect(self.alice, "watch")
        self.b = await self.server.connect(self.bob)

    async def begin(self):
        await self.connect()
        await self.b.new(self.alice, "from bob", clientMessageId="b1")
        await self.phone.new(self.bob, "from alice", clientMessageId="a2")
        await self.b.new(self.alice, "from bob again", clientMessageId="b3")
        for client, seen in ((self.b, 2), (self.watch, 5)):
            for seq in range(1, seen + 1):
                assert (await client.expect_event())["seq"] == seq
            assert client.events[-1]["eventType"] == "new"
            self.last[client.user] = seen
        return self

    async def told(self):
        """What bob and the watch were told since the last time, each in one line: up to a
        message of another sender that is written now, with no seq left out."""
        self.marks += 1
        other = await self.server.connect(f"{self.alice} {self.bob} {self.marks}")
        lines = []
        for client in (self.b, self.watch):
            await other.new(client.user, "that is all")
            told = []
            while True:
                event = await client.expect_event()
                if event["seq"] <= self.last[client.user]:
                    assert event.get("redelivered") is True, event
                    continue
                assert event["seq"] == self.last[client.user] + 1, event
                self.last[client.user] += 1
                if event["payload"]["chatId"] == other.user:
                    break
                told.append(f"{event['eventType']} {event['payload']['messageId']}")
            lines.append(", ".join(told))
        await other.close()
        return lines

    def requests(self):
        """One of each that changes something, in an order in which they can follow each other."""
        return [
            ("dlvrd", {"chatId": self.bob, "messageId": 3}),
            ("read", {"chatId": self.bob, "messageId": 3}),
            ("new", {"chatId": self.bob, "message": "hello \u00e9 \U0001f600", "replyTo": 1,
                     "attachments": [PICTURE], "clientMessageId": "n4",
                     "forwardedFrom": {"chatId": self.bob, "messageId": 2}}),
            ("edit", {"chatId": self.bob, "originalClientMessageId": "n4", "message": "changed",
                      "attachments": [], "clientMessageId": "e5"}),
            ("call", {"chatId": self.bob, "callId": "k6", "caller": self.alice,
                      "participants": [self.alice, self.bob], "callType": "video",
                      "callDuration": 61}),
            ("delete", {"chatId": self.bob, "originalMessageId": 2, "clientMessageId": "d7"}),
            ("delete", {"chatId": self.bob, "messageId": 6}),
            ("delete", {"chatId": self.bob, "originalMessageId": 1, "for": "me"}),
        ]

    TOLD = ["dlvrd 3, read 3, new 4, edit 5, call 6, delete 7, delete 8",
            "read 3, new 4, edit 5, call 6, delete 7, delete 8, delete 1"]

    async def all_requests(self, client=None):
        return [await (client or self.phone).ok(*request) for request in self.requests()]


NOBODY = ["", ""]


async def same_connection(stage):
    return stage.phone


async def other_connection(stage):
    await stage.phone.close()
    return await stage.server.connect(stage.alice, "phone")


async def cut_connection(stage):
    await stage.phone.kill()
    return await stage.server.connect(stage.alice, "phone")


async def other_device(stage):
    return await stage.server.connect(stage.alice, "tablet")


async def restart(stage):
    await stage.server.restart()
    await stage.connect()
    return stage.phone


async def kill(stage):
    await asyncio.get_running_loop().run_in_executor(None, stage.server.kill)
    stage.server.start()
    await stage.connect()
    return stage.phone


@pytest.mark.parametrize("between", [same_connection, other_connection, cut_connection,
                                     other_device, restart, kill])
async def test_each_again(start_server, between):
    stage = await Stage(start_server(storage=DURABLE)).begin()
    first = await stage.all_requests()
    assert [(a["messageId"], a.get("clientMessageId")) for a in first] == [
        (3, "b3"), (3, "b3"), (4, "n4"), (5, "e5"), (6, None), (7, "d7"), (8, None), (1, None)]
    assert await stage.told() == stage.TOLD
    client = await between(stage)
    for _ in range(2):
        assert await stage.all_requests(client) == first
    # in another order too: each answer is its own
    for request, answer in reversed(list(zip(stage.requests(), first))):
        assert await client.ok(*request) == answer
    assert await stage.told() == NOBODY
    page = await client.ok("messages", {"chatId": stage.bob, "startId": 2})
    assert [(m["messageId"], m["type"]) for m in page["messages"]] == [
        (2, "new"), (3, "new"), (4, "new"), (5, "edit"), (6, "call"), (7, "delete"),
        (8, "delete")]
    assert page["messages"][5]["clientMessageId"] == "d7"


async def test_again_after_all_has_changed(start_server):
    """Edited, deleted, hidden, answered and read in the meantime, over a restart."""
    stage = await Stage(start_server(storage=DURABLE)).begin()
    first = await stage.all_requests()
    await stage.phone.ok("edit", {"chatId": stage.bob, "originalMessageId": 4, "message": "last"})
    await stage.b.new(stage.alice, "and I?", clientMessageId="b10")
    await stage.phone.ok("read", {"chatId": stage.bob, "messageId": 10})
    await stage.b.ok("delete", {"chatId": stage.alice, "originalMessageId": 1})
    page = await stage.b.ok("messages", {"chatId": stage.alice})
    await kill(stage)
    await stage.told()
    again = await stage.all_requests()
    assert again[2:] == first[2:]
    # marks are answered from the one in force
    assert [a["messageId"] for a in again[:2]] == [3, 3]
    assert again[1]["timestamp"] > first[1]["timestamp"] and again[1]["missed"] == 0
    assert await stage.told() == NOBODY
    assert await stage.b.ok("messages", {"chatId": stage.alice}) == page
    assert page["messages"][3]["message"] == "last"
    await stage.phone.ok("delete", {"chatId": stage.bob, "originalMessageId": 4})
    await stage.phone.ok("delete", {"chatId": stage.bob, "originalMessageId": 4, "for": "me"})
    await stage.told()
    assert (await stage.all_requests())[2:] == first[2:]
    assert await stage.told() == NOBODY


def copies(request, tag, n):
    """n frames with the same request, each with an id of its own."""
    kind, payload = request
    return b"".join(frame(TEXT, json.dumps(
        {"type": "request", "id": f"{tag}{i}", "payloadType": kind, "payload": payload}).encode())
        for i in range(n))


async def answers(raw, n):
    """The next n responses, by id; events are passed over."""
    found = {}
    while len(found) < n:
        message = json.loads(await raw.frame_of(TEXT))
        if message["type"] == "response":
            found[message["id"]] = message
    return found


async def test_many_at_once(start_server):
    """Each request many times in one segment, on two connections at the same time: what
    one turn of the server takes is one batch of the storage."""
    stage = await Stage(start_server(storage=DURABLE)).begin()
    raws = [await stage.server.raw(stage.alice, device=device) for device in ("one", "two")]
    for request in stage.requests():
        await asyncio.gather(*(raw.send(copies(request, "m", 20)) for raw in raws))
        got = [await answers(raw, 20) for raw in raws]
        payloads = [answer["payload"] for found in got for answer in found.values()]
        assert all(payload == payloads[0] for payload in payloads), payloads
    assert await stage.told() == stage.TOLD


async def test_all_of_them_at_once(start_server):
    """The whole row in one segment, and the same row on another connection."""
    stage = await Stage(start_server(storage=DURABLE)).begin()
    raws = [await stage.server.raw(stage.alice, device=device) for device in ("one", "two")]
    data = b"".join(copies(request, f"{number}.", 1)
                    for number, request in enumerate(stage.requests()))
    # the second row comes behind the first request at the earliest, so nothing is too early
    await asyncio.gather(raws[0].send(data), raws[1].send(data))
    got = [await answers(raw, len(stage.requests())) for raw in raws]
    for key, answer in got[0].items():
        if "error" not in answer and "error" not in got[1][key]:
            assert got[1][key]["payload"] == answer["payload"], key
    # whoever came too early for its original was refused, and is judged anew now
    final = await stage.all_requests()
    for found in got:
        for number, payload in enumerate(final):
            answer = found[f"{number}.0"]
            assert answer.get("payload", payload) == payload, answer
    assert await stage.told() == stage.TOLD


async def test_conflicts_within_a_batch(start_server):
    """Of different payloads under one id the first that came is the message."""
    stage = await Stage(start_server(storage=DURABLE)).begin()
    raw = await stage.server.raw(stage.alice, device="one")
    payloads = [{"chatId": stage.bob, "message": text, "clientMessageId": "c"}
                for text in ("this", "that", "this", "those", "this")]
    await raw.send(b"".join(copies(("new", payload), f"{i}.", 1)
                            for i, payload in enumerate(payloads)))
    found = await answers(raw, 5)
    codes = [found[f"{i}.0"].get("error", {}).get("code") for i in range(5)]
    assert codes == [None, "conflict", None, "conflict", None]
    assert len({found[f"{i}.0"]["payload"]["messageId"] for i in (0, 2, 4)}) == 1
    assert await stage.told() == ["read 3, new 4", "read 3, new 4"]


async def test_cut_while_in_flight(start_server):
    """The connection is gone before the answer: sent again, it is there once."""
    stage = await Stage(start_server(storage=DURABLE)).begin()
    for i in range(20):
        client = await stage.server.connect(stage.alice, "phone")
        payload = {"chatId": stage.bob, "message": str(i), "clientMessageId": f"c{i}"}
        await client.begin("new", payload)
        await client.kill()
        client = await stage.server.connect(stage.alice, "phone")
        assert (await client.ok("new", payload))["messageId"] == 4 + i
        await client.close()
    assert await stage.told() == ["read 3, " + ", ".join(f"new {4 + i}" for i in range(20))] * 2


async def test_cut_within_the_frame(server, users):
    """Half a request is none; sent again, whole, it is the first."""
    stage = await Stage(server, users("alice", "bob")).begin()
    for i, size in enumerate((1, 2, 3, 6, 7, 50, -1)):
        payload = {"chatId": stage.bob, "message": str(i), "clientMessageId": f"c{i}"}
        raw = await server.raw(stage.alice, device="raw")
        await raw.send(copies(("new", payload), "h", 1)[:size])
        await raw.kill()
        other = {**payload, "message": "whole"}
        assert (await stage.phone.ok("new", other))["messageId"] == 4 + i
    assert await stage.told() == ["read 3, " + ", ".join(f"new {4 + i}" for i in range(7))] * 2


OTHERS = [
    # another payload of the same kind
    ("new", {"message": "hello", "clientMessageId": "n4"}),
    ("edit", {"originalClientMessageId": "n4", "message": "changed!", "attachments": [],
              "clientMessageId": "e5"}),
    ("edit", {"originalClientMessageId": "n4", "message": "changed", "clientMessageId": "e5"}),
    ("edit", {"originalMessageId": 9, "message": "changed", "attachments": [],
              "clientMessageId": "e5"}),
    ("delete", {"originalMessageId": 4, "clientMessageId": "d7"}),
    ("call", {"callId": "k6", "caller": "alice", "participants": ["alice", "bob"],
              "callType": "audio", "callDuration": 61}),
    # another kind
    ("new", {"message": "changed", "clientMessageId": "e5"}),
    ("new", {"message": "x", "clientMessageId": "d7"}),
    ("new", {"message": "x", "clientMessageId": "k6"}),
    ("edit", {"originalMessageId": 4, "message": "x", "clientMessageId": "n4"}),
    ("edit", {"originalMessageId": 4, "message": "x", "clientMessageId": "d7"}),
    ("delete", {"originalMessageId": 4, "clientMessageId": "n4"}),
    ("delete", {"originalMessageId": 4, "clientMessageId": "e5"}),
    ("call", {"callId": "n4", "caller": "alice", "callType": "audio", "callDuration": 61}),
]


async def test_conflicts(start_server):
    stage = await Stage(start_server(storage=DURABLE)).begin()
    first = await stage.all_requests()
    await stage.told()
    before = await stage.b.ok("messages", {"chatId": stage.alice})
    for _ in range(2):
        for kind, payload in OTHERS:
            await stage.phone.fails("conflict", kind, {"chatId": stage.bob, **payload})
        await kill(stage)
    assert await stage.told() == NOBODY
    assert await stage.b.ok("messages", {"chatId": stage.alice}) == before
    assert await stage.all_requests() == first


async def test_ids_are_the_senders_own_in_the_chat(server, users):
    """The same ids of bob, and of alice in another chat, are others."""
    alice, bob, carol = users("alice", "bob", "carol")
    stage = await Stage(server, (alice, bob)).begin()
    first = await stage.all_requests()
    await stage.told()
    c = await server.connect(carol)
    payload = {"message": "x", "clientMessageId": "n4"}
    assert (await stage.b.ok("new", {"chatId": alice, **payload}))["messageId"] == 9
    assert (await stage.phone.ok("new", {"chatId": carol, **payload}))["messageId"] == 1
    assert (await stage.phone.ok("new", {"chatId": alice, **payload}))["messageId"] == 1
    assert (await c.ok("new", {"chatId": alice, **payload}))["messageId"] == 2
    call = dict(stage.requests()[4][1], chatId=alice)
    assert (await stage.b.ok("call", call))["messageId"] == 10
    assert (await stage.all_requests())[2:] == first[2:]


async def test_how_it_is_written_does_not_matter(server, users):
    """Order of fields, white space, escapes, unknown fields; not even in meta."""
    stage = await Stage(server, users("alice", "bob")).begin()
    payload = stage.requests()[2][1]
    first = await stage.phone.ok("new", payload)

    def turned(value):
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(v) for v in value] if isinstance(value, list) else value

    for again in (json.dumps(payload, indent=3), json.dumps(turned(payload)),
                  json.dumps(payload, ensure_ascii=False), json.dumps({"x": {}, **payload}),
                  json.dumps(payload).replace("/", r"\/").replace("hello", r"h\u0065llo"),
                  json.dumps(payload).replace('"size"', '"unknown": null, "size"')):
        await stage.phone.send('{"payload":%s,"id":"r","payloadType":"new","type":"request"}'
                               % again)
        assert (await stage.phone.response("r"))["payload"] == first, again
    for other in (json.dumps(payload).replace("800", "801"),
                  json.dumps(payload).replace("1.5", "1.50"),
                  json.dumps(payload).replace("hello", "Hello"),
                  json.dumps({**payload, "attachments": []}),
                  json.dumps({k: v for k, v in payload.items() if k != "replyTo"})):
        await stage.phone.send('{"payload":%s,"id":"r","payloadType":"new","type":"request"}'
                               % other)
        assert (await stage.phone.response("r"))["error"]["code"] == "conflict", other
    await stage.phone.fails("bad_payload", "new", {**payload, "replyTo": None}, "replyTo")
    assert await stage.told() == ["read 3, new 4", "read 3, new 4"]


async def test_what_was_refused_is_judged_anew(server, users):
    """A definite error stored nothing, so its clientMessageId is free."""
    stage = await Stage(server, users("alice", "bob")).begin()
    edit = {"chatId": stage.bob, "originalClientMessageId": "n4", "message": "changed",
            "clientMessageId": "e5"}
    await stage.phone.fails("not_found", "edit", edit)
    await stage.phone.fails("forbidden", "edit", {"chatId": stage.bob, "originalMessageId": 1,
                                                  "message": "x", "clientMessageId": "e5"})
    await stage.phone.fails("forbidden", "delete", {"chatId": stage.bob, "originalMessageId": 1,
                                                    "clientMessageId": "n4"})
    reply = {"chatId": stage.bob, "message": "hi", "replyTo": 4, "clientMessageId": "n4"}
    await stage.phone.fails("not_found", "new", reply)
    await stage.phone.fails("too_large", "new", {**reply, "message": "x" * 32769})
    await stage.phone.fails("bad_payload", "new", {**reply, "replyTo": "4"})
    assert await stage.told() == NOBODY
    assert (await stage.phone.ok("new", {"chatId": stage.bob, "message": "ho",
                                         "clientMessageId": "n4"}))["messageId"] == 4
    await stage.phone.fails("conflict", "new", reply)
    assert (await stage.phone.ok("edit", edit))["messageId"] == 5
    assert (await stage.phone.ok("edit", edit))["messageId"] == 5
    assert await stage.told() == ["read 3, new 4, edit 5", "read 3, new 4, edit 5"]


async def test_a_late_edit_undoes_nothing(server, users):
    stage = await Stage(server, users("alice", "bob")).begin()
    edits = [{"chatId": stage.bob, "originalMessageId": 2, "message": text,
              "clientMessageId": f"e {text}"} for text in ("one", "two")]
    first = [await stage.phone.ok("edit", edit) for edit in edits]
    assert await stage.phone.ok("edit", edits[0]) == first[0]
    page = await stage.b.ok("messages", {"chatId": stage.alice})
    assert page["messages"][1]["message"] == "two"
    assert await stage.told() == ["edit 4, edit 5"] * 2


async def test_a_deletion_is_the_first_ones(server, users):
    """Asked for with another id, or none, by the author: the first answer."""
    stage = await Stage(server, users("alice", "bob")).begin()
    payload = {"chatId": stage.bob, "originalMessageId": 2}
    first = await stage.phone.ok("delete", {**payload, "clientMessageId": "d1"})
    assert first["clientMessageId"] == "d1"
    for more in ({"clientMessageId": "d2"}, {}, {"for": "all"}, {"clientMessageId": "d1"}):
        assert await stage.watch.ok("delete", {**payload, **more}) == first
    # d2 was not needed, so it is free
    assert (await stage.phone.new(stage.bob, "x", clientMessageId="d2"))["messageId"] == 5
    assert await stage.told() == ["delete 4, read 3, new 5"] * 2


async def test_one_request_on_many_devices_at_once(server, users):
    alice, bob = users("alice", "bob")
    b = await server.connect(bob)
    devices = [await server.connect(alice, f"d{i}") for i in range(8)]
    payload = {"chatId": bob, "message": "from whom?", "clientMessageId": "c"}
    first, *rest = await within(asyncio.gather(*(d.ok("new", payload) for d in devices)))
    assert all(answer == first for answer in rest)
    await devices[0].new(bob, "that is all")
    assert (await b.expect_event("new", message="from whom?"))["seq"] == 1
    assert (await b.expect_event("new", message="that is all"))["seq"] == 2
    # the device that was first is not told, the others are, once
    told = 0
    for device in devices[1:]:
        event = await device.expect_event("new")
        if event["payload"]["message"] == "from whom?":
            told += 1
            event = await device.expect_event("new")
        assert event["payload"]["message"] == "that is all"
    assert told in (6, 7)
