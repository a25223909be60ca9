# SPDX-License-Identifier: BSD-2-Clause
"""Twenty users do what comes to their minds, much of it wrong; the server is killed now and then;
and a model (walk_model.py) says what each of them must be answered, told and shown. What they do
about calls is in walk_calls.py, and about who is online in walk_presence.py.

One request at a time, so that what must come of it is known; only one that is on its way while
the server dies may have been carried out or not, until it is sent again. A walk is its seed,
which a failure names: PARLANCE_TEST_WALK=SEED goes the same way again.
"""
import os
import random

import pytest

from harness import DURABLE, in_thread
from walk_calls import MAX_PARTICIPANTS, Phone
from walk_model import Model, Refused
from walk_presence import Presence

USERS = [f"u{number:02}" for number in range(20)]
TWO_DEVICES = USERS[::3]
AWAY = 6  # so many devices are not connected, at any time
WRONG = (("new", {"chatId": "u01"}), ("new", {"message": "to nobody"}),
         ("edit", {"chatId": "u01", "originalMessageId": -1, "message": "x"}),
         ("delete", {"chatId": "u01", "originalMessageId": "1"}), ("read", {"chatId": ["u01"]}),
         ("newChat", {"name": "", "participants": []}), ("leaveChat", {"chatId": "u01"}),
         ("newCall", {"chatId": "u01"}), ("newCall", {"chatId": "u01", "callType": "smoke"}),
         ("joinCall", {"chatId": "u01", "callId": 1}), ("leaveCall", {"callId": "c"}),
         ("closeCall", {"chatId": ["u01"], "callId": "c"}), ("lastSeen", {"chatId": None}))


class Walk:
    def __init__(self, server, seed):
        self.server, self.random = server, random.Random(seed)
        self.model = Model(USERS, set(TWO_DEVICES))
        self.places = [(user, name) for user in USERS
                       for name in ("a", "b")[:1 + (user in TWO_DEVICES)]]
        self.clients = {}  # (user, device) -> the one that is connected
        self.heard = {place: {} for place in self.places}  # seq -> event
        self.groups = []
        self.sent = self.step = 0
        self.phone, self.presence = Phone(self), Presence(self)

    # --- devices

    async def connect(self, place, auto_ack=True):
        client = await self.server.connect(*place, auto_ack=auto_ack)
        self.clients[place] = client
        self.presence.came(place, client)
        await client.barrier()  # its device is on record

    def listen(self, place):
        """Takes down what came, which must be what the model says."""
        client = self.clients[place]
        while client.taken < len(client.events):
            event = client.events[client.taken]
            client.taken += 1
            if event["eventType"] == "callSignal":
                self.phone.hear(place, event)
            elif "seq" not in event:
                self.presence.hear(place, client, event)
            else:
                self.compare(place, event)

    def compare(self, place, event):
        """With the model's stream."""
        user, device = place
        seq = event["seq"]
        assert seq <= len(self.model.streams[user]), f"{place} was told too much: {event}"
        kind, payload, origin = self.model.streams[user][seq - 1]
        assert event["eventType"] == kind and origin != device, (place, kind, payload, event)
        for key, value in payload.items():
            assert event["payload"].get(key) == value, (place, key, value, event)
        before = self.heard[place].setdefault(seq, event["payload"])
        assert before == event["payload"]

    async def disconnect(self, place):
        client = self.clients[place]
        await (client.close() if self.random.random() < 0.5 else client.kill())
        self.listen(place)
        del self.clients[place]
        self.presence.went(place, client)

    # --- one request

    async def ask(self, place, payload_type, payload, predict):
        """`predict` is the model's method with its arguments, given the answer's payload."""
        answer = await self.clients[place].request(payload_type, payload)
        self.expect(place, answer, predict, (payload_type, payload))

    def expect(self, place, answer, predict, what):
        self.model.answered(place, answer)
        try:
            wanted = predict(answer.get("payload"))
        except Refused as refused:
            error = answer.get("error", {})
            assert error.get("code") == str(refused), (place, what, answer, str(refused))
            assert refused.details.items() <= error.get("details", {}).items(), (place, answer)
            return
        assert "error" not in answer, (place, what, answer)
        for key, value in (wanted or {}).items():
            assert answer["payload"].get(key) == value, (place, what, key, value, answer)

    def some_chat(self, user):
        """His own, others', and groups that he is not in, or nobody any more."""
        his = [group for group in self.groups if self.model.find(user, group)]
        if his and self.random.random() < 0.3:
            return self.random.choice(his)
        if self.groups and self.random.random() < 0.3:
            return self.random.choice(self.groups)
        near = USERS.index(user) + self.random.choice((0, 1, 1, 2, 19, 18, 5))
        return USERS[near % len(USERS)]

    def some_message(self, user, chat_id):
        chat = self.model.find(user, chat_id)
        last = len(chat.messages) if chat else 0
        return self.random.randint(max(1, last - 6), last + 1)

    def some_users(self, most):
        return self.random.sample(USERS, self.random.randint(1, most))

    # --- what they do

    def message(self, user):
        self.sent += 1
        return {"chatId": self.some_chat(user), "message": f"number {self.sent}",
                "clientMessageId": f"c{self.sent}"}

    async def write(self, place):
        payload = self.message(place[0])
        for _ in range(1 + (self.random.random() < 0.2)):  # or sends it twice
            await self.ask(place, "new", payload, lambda _: self.model.new(
                payload["chatId"], payload["message"], payload["clientMessageId"]))

    async def change(self, place):
        chat_id = self.some_chat(place[0])
        number = self.some_message(place[0], chat_id)
        self.sent += 1
        named = {"chatId": chat_id, "originalMessageId": number}
        way = self.random.choice(("edit", "delete", "hide"))
        if way == "edit":
            text, client = f"edit {self.sent}", f"c{self.sent}"
            await self.ask(place, "edit", {**named, "message": text, "clientMessageId": client},
                           lambda _: self.model.edit(chat_id, number, text, client))
        elif way == "delete":
            await self.ask(place, "delete", named, lambda _: self.model.delete(chat_id, number))
        else:
            await self.ask(place, "delete", {**named, "for": "me"},
                           lambda _: self.model.hide(chat_id, number))

    async def mark(self, place):
        chat_id = self.some_chat(place[0])
        kind = self.random.choice(("read", "dlvrd"))
        payload, upto = {"chatId": chat_id}, 0
        if self.random.random() < 0.7:
            payload["messageId"] = upto = self.some_message(place[0], chat_id)
        await self.ask(place, kind, payload, lambda _: self.model.receipt(kind, chat_id, upto))

    async def gather(self, place):
        name, others = f"group {len(self.groups)}", self.some_users(6)

        def predict(answer):
            self.groups.append(answer["chatId"])
            self.model.new_chat(answer["chatId"], name, others)

        await self.ask(place, "newChat", {"name": name, "participants": others}, predict)

    async def govern(self, place):
        if not self.groups:
            return
        called = [group for group in self.groups if group in self.phone.calls.live]
        near = called if called and self.random.random() < 0.5 else self.groups[-4:]
        chat_id, others = self.random.choice(near), self.some_users(3)
        chat = self.model.groups.get(chat_id)
        there = [other for other in self.clients if chat and other[0] in chat.members]
        if there and self.random.random() < 0.7:
            place = self.random.choice(there)
            others[0] = self.random.choice(list(chat.members))
            others = sorted(set(others))
        role, name = self.random.choice(("member", "admin", "owner")), f"name {self.sent % 3}"
        named = {"chatId": chat_id}
        way = self.random.choice((
            ("addParticipants", {**named, "participants": others},
             lambda _: self.model.add(chat_id, others)),
            ("removeParticipants", {**named, "participants": others},
             lambda _: self.model.remove(chat_id, others)),
            ("updateChat", {**named, "name": name}, lambda _: self.model.rename(chat_id, name)),
            ("updateChat", {**named, "role": role, "participants": others[:1]},
             lambda _: self.model.promote(chat_id, role, others[0])),
            ("leaveChat", named, lambda _: self.model.leave(chat_id)),
        ))
        await self.ask(place, *way)
        await self.phone.parted(place, chat_id)

    async def drop(self, place):
        if self.groups:
            chat_id = self.random.choice(self.groups)
            await self.ask(place, "deleteChat", {"chatId": chat_id},
                           lambda _: self.model.drop(chat_id))
            await self.phone.parted(place, chat_id)

    async def call(self, place):
        await self.phone.use(place)

    async def turn(self, place):
        await self.presence.turn(place)

    async def type(self, place):
        await self.presence.type(place)

    async def rest(self, _):
        await self.presence.judge()

    async def err(self, place):
        await self.clients[place].fails("bad_payload", *self.random.choice(WRONG))

    async def come_and_go(self, place):
        await self.disconnect(place)
        away = [other for other in self.places if other not in self.clients]
        await self.connect(self.random.choice(away), auto_ack=self.random.random() < 0.7)

    async def look(self, place):
        """At the list of chats, and at one of them in pages."""
        client, user = self.clients[place], place[0]
        listed, after = [], {}
        while True:
            page = await client.ok("chats", {"count": 3, **after})
            listed += page["chats"]
            if not page["hasMore"]:
                break
            after = {"after": listed[-1]["id"]}
        wanted = self.model.chats(user)
        assert [chat["id"] for chat in listed] == [chat["id"] for chat in wanted], (user, listed)
        for chat, entry in zip(listed, wanted):
            for key in ("type", "missed", "firstMissed", "lastMessageId", "isMine", "name"):
                assert chat.get(key) == entry.get(key), (user, key, chat, entry)
        await self.look_back(client, user, self.some_chat(user))

    async def look_back(self, client, user, chat_id):
        try:
            wanted = self.model.history(user, chat_id)
        except Refused as refused:
            await client.fails(str(refused), "messages", {"chatId": chat_id})
            return
        seen, end = [], {}
        while True:
            page = await client.ok("messages", {"chatId": chat_id, "count": 7, **end})
            seen = [(m["messageId"], m["sender"], m["type"], m.get("message"),
                     m.get("clientMessageId"), m["type"] == "call" and m.get("payload") or None)
                    for m in page["messages"]] + seen
            if not page["hasMore"]:
                break
            end = {"endId": seen[0][0]}
        assert seen == wanted, (user, chat_id, [p for p in zip(seen, wanted) if p[0] != p[1]])

    # --- the walk

    WAYS = (("write", 40), ("change", 14), ("mark", 14), ("gather", 2), ("govern", 9), ("drop", 1),
            ("err", 4), ("come_and_go", 8), ("look", 8), ("call", 30), ("turn", 6), ("type", 4),
            ("rest", 2))

    async def go(self, steps, kills):
        for place in self.places:
            await self.connect(place)
        for place in self.random.sample(self.places, AWAY):
            await self.disconnect(place)
        deaths = set(self.random.sample(range(steps // 4, steps), kills))
        for self.step in range(steps):
            way, = self.random.choices([name for name, _ in self.WAYS],
                                       [weight for _, weight in self.WAYS])
            place = self.random.choice(list(self.clients))
            if self.step in deaths:
                await self.die(place)
            else:
                await getattr(self, way)(place)
            self.listen(self.random.choice(list(self.clients)))
        await self.end()

    def last_words(self, place):
        """A request that can be sent again, and what the model says to it."""
        if self.random.random() < 0.5:
            return self.phone.last_words(place[0])
        payload = self.message(place[0])
        return "new", payload, lambda _: self.model.new(
            payload["chatId"], payload["message"], payload["clientMessageId"])

    async def die(self, place):
        """With a request on its way, which is sent again."""
        asks, payload, predict = self.last_words(place)
        await self.clients[place].begin(asks, payload)
        if self.random.random() < 0.5:  # it may get far with it
            await self.clients[self.random.choice(list(self.clients))].barrier()
        await in_thread(self.server.kill)
        there = list(self.clients)
        told = {}
        for other in there:
            await self.clients[other].closed()
            told[other] = self.clients.pop(other)
        self.presence.died()
        await in_thread(self.server.start)
        for other in there:
            await self.connect(other)
        answer = await self.clients[place].request(asks, payload)
        if asks in ("closeCall", "leaveCall") and "error" in answer:
            assert answer["error"]["code"] == "not_found"
            self.model.answered(place, answer)
            predict(None)  # the call ended before the server did
        else:
            self.expect(place, answer, predict, payload)
        for other, client in told.items():  # what came before it died
            now, self.clients[other] = self.clients[other], client
            self.listen(other)
            self.clients[other] = now
            del self.presence.sessions[client]
        await self.presence.judge()

    async def end(self):
        """All come, and get all that is theirs."""
        for place in list(self.clients):
            await self.disconnect(place)
        for place in self.places:
            user, device = place
            await self.connect(place)
            owed = {seq for seq, (_, _, origin) in enumerate(self.model.streams[user], 1)
                    if origin != device}

            def complete():
                self.listen(place)
                return owed <= set(self.heard[place])

            await self.clients[place].until(complete, f"all {len(owed)} events")
            await self.look(place)
        await self.presence.judge()


async def walk(make_server, steps, kills):
    seed = int(os.environ.get("PARLANCE_TEST_WALK", random.randrange(10 ** 6)))
    calls = {"ring_timeout": "10m", "reconnect_grace": "10m", "max_participants": MAX_PARTICIPANTS}
    server = make_server(storage=DURABLE,
                         plugins={"groups": {}, "calls": calls, "typing": {"typing_interval": "0s"},
                                  "presence": {"offline_grace": "20ms"}},
                         server={"max_bad_messages": 10000, "cursor_interval": "50ms"}).start()
    walker = Walk(server, seed)
    try:
        await walker.go(steps, kills)
    except AssertionError as failure:
        where = f"PARLANCE_TEST_WALK={seed}, step {walker.step}"
        raise AssertionError(f"{where}: {failure}") from failure


async def test_walk(make_server):
    await walk(make_server, 250, 2)


@pytest.mark.long
@pytest.mark.parametrize("turn", range(3))
async def test_long_walk(make_server, turn):
    await walk(make_server, 6000, 12)
