# SPDX-License-Identifier: BSD-2-Clause
"""Groups (docs/protocol.md, "Groups"): their life, who may do what, and what is written in them."""
import asyncio

import pytest


class Group:
    """alice made it, with bob and carol; alice has a laptop besides. dave is not in it."""

    async def open(self, server, users):
        self.names = dict(zip(("alice", "bob", "carol", "dave"),
                              users("alice", "bob", "carol", "dave")))
        self.alice, self.bob, self.carol, self.dave = self.names.values()
        self.a, self.b, self.c, self.d = [await server.connect(name, "phone")
                                          for name in self.names.values()]
        self.laptop = await server.connect(self.alice, "laptop")
        answer = await self.a.ok("newChat", {"name": "The Gröup", "clientMessageId": "g1",
                                             "participants": [self.carol, self.bob]})
        self.id = answer["chatId"]
        assert self.id.startswith("grp_") and answer["members"] == 3
        for client in self.b, self.c, self.laptop:
            event = await client.expect_event("newChat")
            assert event["payload"] == {
                "chatId": self.id, "userId": self.alice, "name": "The Gröup", "members": 3,
                "timestamp": answer["timestamp"]}
            assert "seq" in event
        self.made = answer
        return self

    def clients(self):
        return self.a, self.laptop, self.b, self.c, self.d

    async def quiet(self, *clients):
        """Nothing (more) was told to these; to nobody, when none is named."""
        for client in clients or self.clients():
            await client.barrier()
            client.assert_no_event()

    def on(self, **payload):
        return {"chatId": self.id, **payload}

    async def participants(self, client=None, **payload):
        return (await (client or self.a).ok("participants", self.on(**payload)))["participants"]

    async def roles(self, client=None):
        return {row["userId"]: row["role"] for row in await self.participants(client)}

    async def history(self, client, **payload):
        return (await client.ok("messages", self.on(**payload)))["messages"]


@pytest.fixture
def group(server, users):
    return lambda: Group().open(server, users)


def ids(messages):
    return [message["messageId"] for message in messages]


async def test_writing(group):
    g = await group()
    await g.quiet()
    sent = await g.a.new(g.id, "one", clientMessageId="m1")
    assert sent["messageId"] == 1
    for client, missed in ((g.b, 1), (g.c, 1), (g.laptop, 0)):
        event = await client.expect_event("new")
        assert event["payload"] == {
            "chatId": g.id, "sender": g.alice, "messageId": 1, "clientMessageId": "m1",
            "message": "one", "timestamp": sent["timestamp"], "missed": missed}
    assert await g.a.new(g.id, "one", clientMessageId="m1") == sent
    await g.a.fails("conflict", "new", g.on(message="two", clientMessageId="m1"))
    await g.b.new(g.id, "two", replyTo=1)  # marks nothing as read
    for client, missed in ((g.a, 1), (g.laptop, 1), (g.c, 2)):
        event = await client.expect_event("new", sender=g.bob, messageId=2, missed=missed)
        assert event["payload"]["replyTo"]["messageId"] == 1
    await g.quiet()

    await g.a.ok("edit", g.on(originalMessageId=1, message="uno"))
    for client in g.laptop, g.b, g.c:
        await client.expect_event("edit", chatId=g.id, sender=g.alice, messageId=3,
                                  originalMessageId=1, message="uno")
    await g.b.fails("forbidden", "edit", g.on(originalMessageId=1, message="mine"))
    await g.b.ok("delete", g.on(originalMessageId=2))
    for client in g.a, g.laptop, g.c:
        await client.expect_event("delete", sender=g.bob, messageId=4, originalMessageId=2)
    await g.c.ok("delete", g.on(messageId=1, **{"for": "me"}))
    await g.quiet()
    assert ids(await g.history(g.c)) == [2, 3, 4]
    chat = await g.b.ok("chat", g.on())
    assert chat["type"] == "group" and chat["name"] == "The Gröup" and chat["id"] == g.id
    assert chat["members"] == 3 and chat["role"] == "member"
    assert (await g.a.ok("chats"))["chats"][0]["role"] == "owner"

    # forwarded out of the group by who sees it, and by nobody else
    await g.a.new(g.bob, "look", forwardedFrom=g.on(messageId=1))
    await g.b.expect_event("new", chatId=g.alice, forwardedFrom=g.on(messageId=1))
    for client, number in ((g.d, 1), (g.c, 1), (g.a, 2), (g.a, 3), (g.a, 99)):
        await client.fails("not_found", "new", {"chatId": g.bob, "message": "x",
                                                "forwardedFrom": g.on(messageId=number)})
    await g.quiet(g.b)


async def test_receipts(group, server):
    g = await group()
    tablet = await server.connect(g.bob, "tablet")
    await tablet.barrier()  # it is on record
    await g.a.new(g.id, "1")
    await g.c.new(g.id, "2")
    for client in g.b, tablet:
        await client.expect_events("new", "new")
    await g.a.expect_event("new")
    await g.laptop.expect_events("new", "new")
    await g.c.expect_event("new")

    # the authors of what is newly covered are told, and one's own devices; nobody else
    dlvrd = await g.b.ok("dlvrd", g.on(messageId=1))
    for client in g.a, g.laptop:
        await client.expect_event("dlvrd", chatId=g.id, userId=g.bob, messageId=1,
                                  timestamp=dlvrd["timestamp"])
    read = await g.b.ok("read", g.on())
    assert read["messageId"] == 2 and read["missed"] == 0
    for client in g.a, g.laptop, g.c, tablet:
        await client.expect_event("read", chatId=g.id, userId=g.bob, messageId=2)
    assert (await g.b.ok("read", g.on(messageId=1)))["timestamp"] == read["timestamp"]
    await g.quiet()
    tablet.assert_no_event()

    assert (await g.a.ok("chat", g.on()))["missed"] == 1
    assert (await g.a.ok("chat", g.on()))["firstMissed"] == 2
    one, two = await g.history(g.a)
    assert one["delivering"] == [{"userId": g.bob, "dlvrd": read["timestamp"],
                                  "read": read["timestamp"]}]
    assert "delivering" not in two and "status" not in one and "status" not in two
    marks = {row["userId"]: row for row in await g.participants(g.c)}
    assert marks[g.bob]["read"] == {"messageId": 2, "timestamp": read["timestamp"]}
    assert "read" not in marks[g.alice] and "dlvrd" not in marks[g.carol]

    # a call, as each sees it
    call = g.on(callId="k1", caller=g.bob, participants=[g.bob, g.carol], callType="audio",
                callDuration=5)
    await g.b.ok("call", call)
    await tablet.expect_event("call", direction="outgoing", status="received", messageId=3)
    for client in g.a, g.laptop, g.c:
        await client.expect_event("call", chatId=g.id, direction="incoming", messageId=3)
    await g.b.fails("not_found", "call", {**call, "callId": "k2", "caller": g.dave})
    await g.quiet()
    assert ids(await g.history(g.b)) == [1, 2, 3]


async def test_members_come_and_go(group, server, users):
    g = await group()
    eve = users("eve") + ".e"
    e = await server.connect(eve)
    await g.a.new(g.id, "before")
    for client in g.b, g.c, g.laptop:
        await client.expect_event("new")

    answer = await g.a.ok("addParticipants", g.on(participants=[g.dave, g.bob]))
    assert answer == g.on(timestamp=answer["timestamp"], members=4)
    await g.d.expect_event("newChat", chatId=g.id, userId=g.alice, name="The Gröup", members=4)
    for client in g.b, g.c, g.laptop:
        event = await client.expect_event("updateChat", added=[g.dave], members=4)
        assert set(event["payload"]) == {"chatId", "userId", "added", "members", "timestamp"}
    await g.a.ok("addParticipants", g.on(participants=[eve], history="all"))
    await e.expect_event("newChat", members=5)
    for client in g.b, g.c, g.laptop, g.d:
        await client.expect_event("updateChat", added=[eve], members=5)
    assert ids(await g.history(g.d)) == [] and ids(await g.history(e)) == [1]
    for client in g.d, e:
        chat = await client.ok("chat", g.on())
        assert chat["missed"] == 0 and "firstMissed" not in chat and "lastMessageTime" in chat
    await g.d.fails("not_found", "read", g.on(messageId=1))
    await g.d.fails("not_found", "new", g.on(message="x", replyTo=1))
    await g.c.new(g.id, "after", clientMessageId="after")
    for client, missed in ((g.a, 1), (g.b, 2), (g.d, 1), (e, 1), (g.laptop, 1)):
        await client.expect_event("new", messageId=2, missed=missed)
    await e.ok("read", g.on())  # who was not there when alice wrote is no reader of hers
    await g.c.expect_event("read", userId=eve, messageId=2)
    assert (await g.history(g.a))[0]["delivering"] == []
    await g.quiet()

    # carol goes, with a message on its way: deleteChat is the last that she hears
    sent = [await g.b.begin("new", g.on(message=f"m{number}")) for number in range(20)]
    gone = await g.a.begin("removeParticipants", g.on(participants=[g.carol, "nobody"]))
    sent += [await g.b.begin("new", g.on(message=f"n{number}")) for number in range(20)]
    assert (await g.a.response(gone))["payload"]["members"] == 4
    for request in sent:
        assert "error" not in await g.b.response(request)
    await g.c.barrier()
    events = [(event["eventType"], event["payload"]) for event in g.c.events[g.c.taken:]]
    assert events[-1][0] == "deleteChat", events
    assert events[-1][1] == g.on(userId=g.alice, timestamp=events[-1][1]["timestamp"])
    assert [payload["messageId"] for kind, payload in events[:-1]] == list(
        range(3, 2 + len(events)))
    g.c.taken = len(g.c.events)
    for request, payload in (
            ("new", {"message": "x"}), ("edit", {"originalMessageId": 2, "message": "x"}),
            ("delete", {"messageId": 2}), ("dlvrd", {}), ("read", {"messageId": 1}),
            ("messages", {}), ("chat", {}), ("participants", {}), ("leaveChat", {}),
            ("updateChat", {"name": "x"}), ("addParticipants", {"participants": [g.carol]}),
            ("call", {"callId": "k", "caller": g.carol, "callType": "audio", "callDuration": 0})):
        await g.c.fails("not_found", request, g.on(**payload))
    assert await g.c.ok("chats") == {"chats": [], "hasMore": False}
    await g.c.fails("not_found", "new", g.on(message="after", clientMessageId="other"))
    told = [event for event in g.d.events if event["eventType"] == "updateChat"][-1]
    assert told["payload"]["removed"] == [g.carol] and told["payload"]["members"] == 4
    # who comes back joins anew
    await g.a.ok("addParticipants", g.on(participants=[g.carol]))
    await g.c.expect_event("newChat", members=5)
    assert await g.history(g.c) == []
    await g.quiet(g.c)


async def test_roles(group):
    g = await group()
    await g.a.ok("addParticipants", g.on(participants=[g.dave]))
    await g.a.ok("updateChat", g.on(role="admin", participants=[g.bob]))
    for client in g.laptop, g.b, g.c, g.d:
        while (await client.expect_event())["payload"].get("role") is None:
            pass
    event = [e for e in g.c.events if e["eventType"] == "updateChat"][-1]["payload"]
    assert event == g.on(userId=g.alice, role="admin", users=[g.bob], members=4,
                         timestamp=event["timestamp"])
    assert await g.roles() == {g.alice: "owner", g.bob: "admin", g.carol: "member",
                               g.dave: "member"}
    await g.quiet()
    # each tries what he may not; nothing changes, and nobody is told
    for client, request, payload in (
            (g.c, "updateChat", {"name": "x"}),
            (g.c, "addParticipants", {"participants": ["x"]}),
            (g.c, "removeParticipants", {"participants": [g.dave]}),
            (g.c, "updateChat", {"role": "admin", "participants": [g.dave]}),
            (g.c, "deleteChat", {}),
            (g.b, "updateChat", {"role": "admin", "participants": [g.dave]}),
            (g.b, "updateChat", {"name": "x", "role": "admin", "participants": [g.dave]}),
            (g.b, "removeParticipants", {"participants": [g.alice]}),
            (g.b, "removeParticipants", {"participants": [g.bob]}),
            (g.b, "removeParticipants", {"participants": [g.carol, g.alice]}),
            (g.b, "deleteChat", {}),
            (g.a, "removeParticipants", {"participants": [g.alice]}),
            (g.a, "updateChat", {"role": "member", "participants": [g.alice]})):
        await client.fails("forbidden", request, g.on(**payload))
    await g.a.fails("not_found", "updateChat", g.on(role="admin", participants=["nobody"]))
    assert (await g.roles())[g.dave] == "member" and len(await g.roles()) == 4
    assert (await g.a.ok("chat", g.on()))["name"] == "The Gröup"
    await g.quiet()

    # what is so already is answered and not told
    again = await g.a.ok("updateChat", g.on(role="admin", participants=[g.bob]))
    assert again["members"] == 4
    await g.a.ok("updateChat", g.on(name="The Gröup"))
    await g.b.ok("addParticipants", g.on(participants=[g.carol]))
    await g.b.ok("removeParticipants", g.on(participants=["nobody"]))
    await g.quiet()

    await g.b.ok("updateChat", g.on(name="Ours"))
    await g.b.ok("removeParticipants", g.on(participants=[g.dave]))
    await g.d.expect_event("updateChat", name="Ours")
    await g.d.expect_event("deleteChat")
    # both at once: the group is the new owner's, and the old one an admin
    await g.a.ok("updateChat", g.on(name="Carol's", role="owner", participants=[g.carol]))
    for client in g.b, g.c:
        while (await client.expect_event())["payload"].get("name") != "Carol's":
            pass
        await client.expect_event("updateChat", role="owner", users=[g.carol])
    assert await g.roles() == {g.alice: "admin", g.bob: "admin", g.carol: "owner"}
    page = await g.a.ok("participants", g.on(count=2))
    assert [row["userId"] for row in page["participants"]] == [g.alice, g.bob] and page["hasMore"]
    page = await g.a.ok("participants", g.on(after=g.bob))
    assert [row["userId"] for row in page["participants"]] == [g.carol] and not page["hasMore"]


async def test_the_end(group, server):
    g = await group()
    await g.a.new(g.id, "x")
    phone = await server.connect(g.bob, "tablet")
    await phone.barrier()  # it is on record
    await g.b.expect_event("new")
    await g.a.ok("leaveChat", g.on())  # the owner: who joined first follows him
    await g.laptop.expect_events("new", "deleteChat")
    left = await g.b.expect_event("updateChat", userId=g.alice, removed=[g.alice], members=2)
    await phone.expect_event("updateChat", owner=g.bob)
    assert left["payload"]["chatId"] == g.id and left["payload"]["owner"] == g.bob
    await g.a.fails("not_found", "leaveChat", g.on())
    assert await g.roles(g.b) == {g.bob: "owner", g.carol: "member"}
    await g.quiet(g.a, g.laptop)
    await g.b.ok("deleteChat", g.on())
    await phone.expect_event("deleteChat", chatId=g.id, userId=g.bob)
    await g.c.expect_events("new", "updateChat", "deleteChat")
    for client in g.b, g.c:
        for request, payload in (("new", {"message": "x"}), ("messages", {}), ("deleteChat", {}),
                                 ("participants", {}), ("chat", {})):
            await client.fails("not_found", request, g.on(**payload))
        assert (await client.ok("chats"))["chats"] == []
    await g.quiet()
    # the last one turns off the light
    alone = (await g.d.ok("newChat", {"name": "me", "participants": [g.dave]}))
    assert alone["members"] == 1
    await g.d.ok("leaveChat", {"chatId": alone["chatId"]})
    await g.d.fails("not_found", "chat", {"chatId": alone["chatId"]})


async def test_twice(group):
    g = await group()
    make = {"name": "The Gröup", "clientMessageId": "g1", "participants": [g.bob, g.carol]}
    for client in g.a, g.laptop:
        assert await client.ok("newChat", make) == g.made
    for other in ({"name": "x"}, {"participants": [g.bob]}):
        await g.a.fails("conflict", "newChat", {**make, **other})
    both = [await g.a.begin("newChat", {**make, "clientMessageId": "g2"}) for _ in range(5)]
    answers = [(await g.a.response(request))["payload"] for request in both]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["chatId"] != g.id
    await g.b.expect_event("newChat", chatId=answers[0]["chatId"])
    # of another user it is another id; without one each is another group
    other = await g.b.ok("newChat", make)
    assert other["chatId"] not in (g.id, answers[0]["chatId"])
    del make["clientMessageId"]
    assert (await g.b.ok("newChat", make))["chatId"] != (await g.b.ok("newChat", make))["chatId"]
    await g.quiet(g.b)
    await g.c.expect_events(*["newChat"] * 4)
    await g.quiet(g.c)


async def test_bad_input(group):
    g = await group()
    many = [f"user{number}" for number in range(1001)]
    for request, good, field, values in (
            ("newChat", {"name": "n", "participants": []}, "name",
             (None, 5, "", "a\0b", "x" * 257, [], "a\nb", "a\x85", "\u202egpj.exe", "\u2028",
              "\u2066a", " \u3000\u200b")),
            ("newChat", {"name": "n", "participants": []}, "clientMessageId",
             (None, 5, "", "x" * 129)),
            ("newChat", {"name": "n"}, "participants", (None, 5, "bob", {})),
            ("updateChat", g.on(), "name", (None, 5, "", "x" * 257, "a\nb", " ")),
            ("updateChat", g.on(participants=[g.bob]), "role", (None, 5, "", "king")),
            ("updateChat", g.on(role="owner"), "participants", (None, [], [g.bob, g.carol])),
            ("addParticipants", g.on(), "participants", (None, "bob")),
            ("addParticipants", g.on(participants=["x"]), "history", (None, True, "none")),
            ("removeParticipants", g.on(), "participants", (None, 1)),
            ("participants", g.on(), "after", (None, 1, "")),
            ("participants", g.on(), "count", (None, 0, 501, 1.5, "1")),
            *((request, {"name": "x", "participants": ["x"]}, "chatId",
               (None, 5, "", g.bob, "x" * 129))
              for request in ("updateChat", "addParticipants", "removeParticipants", "leaveChat",
                              "deleteChat", "participants"))):
        for value in values:
            error = await g.a.fails("bad_payload", request, {**good, field: value})
            assert error["details"]["path"] == field, (request, value, error)
    for request in "newChat", "addParticipants", "removeParticipants":
        base = {"name": "n"} if request == "newChat" else g.on()
        for users, path in (([g.bob, 5], "participants[1]"), (["x", ""], "participants[1]"),
                            (["y", "grp_x"], "participants[1]"), ([None], "participants[0]"),
                            (["x", "y", "x"], "participants[2]")):
            await g.a.fails("bad_payload", request, {**base, "participants": users}, path)
        await g.a.fails("too_large", request, {**base, "participants": many})
        await g.a.fails("bad_payload", request, None)
    await g.a.fails("too_large", "newChat", {"name": "n", "participants": many[:1000]})
    await g.a.fails("too_large", "addParticipants", g.on(participants=many[:998]))
    await g.a.fails("bad_payload", "updateChat", g.on(), "name")
    await g.a.fails("bad_payload", "updateChat", g.on(name="x", participants=[g.bob]), "role")
    await g.d.fails("not_found", "addParticipants", g.on(participants=[g.dave]))
    await g.a.fails("not_found", "updateChat", {"chatId": "grp_nothing", "name": "x"})
    assert len(await g.participants()) == 3
    assert len((await g.a.ok("chats"))["chats"]) == 1
    await g.quiet()


async def test_what_was_missed(group, server):
    """A device that was away gets what was stored for it, with the count of that moment."""
    g = await group()
    await g.c.close()
    await g.a.new(g.id, "1")
    await g.b.new(g.id, "2")
    await g.a.ok("updateChat", g.on(name="New"))
    c = await server.connect(g.carol, "phone")
    await c.expect_event("new", messageId=1, sender=g.alice, missed=1)
    await c.expect_event("new", messageId=2, sender=g.bob, missed=2)
    await c.expect_event("updateChat", name="New", members=3)
    # counted anew by the list of chats, for each as he has it
    await asyncio.gather(*(client.new(g.id, str(number))
                           for number in range(10) for client in (g.a, g.b, c)))
    for client, missed in ((g.a, 21), (g.b, 21), (c, 22)):
        chat = await client.ok("chat", g.on())
        assert chat["missed"] == missed and chat["lastMessageId"] == 32, (client.user, chat)
    last = [e["payload"] for e in g.b.events if e["payload"].get("sender") != g.bob][-1]
    assert last["missed"] == 21


async def test_typing(group):
    g = await group()
    await g.a.event("typing", g.on())
    for client in g.b, g.c:
        event = await client.expect_event("typing")
        assert event["payload"] == g.on(userId=g.alice) and "seq" not in event
    await g.a.event("typing", g.on(stop=True))
    for client in g.b, g.c:
        await client.expect_event("typing", userId=g.alice, stop=True)
    await g.d.refused({"type": "event", "id": "t1", "payloadType": "typing",
                       "payload": g.on()}, "not_found", request_id="t1")
    await g.quiet()
