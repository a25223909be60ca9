# SPDX-License-Identifier: BSD-2-Clause
"""What is not stored, in the random walk: who is online, when somebody was seen last, and typing
(docs/protocol.md, Presence).

Comings and goings are told when they are over, and one who comes and goes quickly may be told
of or not. What holds is the last word of each connection on each peer of its user, once the
server is at rest (settle): so that is what is judged.
"""
import asyncio

from harness import eventually
from walk_model import is_group


class Session:
    """Of one connection: what it was told of whom."""

    def __init__(self, peers):
        self.words = {}  # user -> the last event about him
        self.owed = peers  # who must be told of when they are online
        self.typing = []  # to be heard, in this order


class Absence:
    """Of a user, since not before `least`; of this run of the server, or of an earlier one."""

    def __init__(self, least):
        self.least, self.current = least, True


class Presence:
    def __init__(self, walk):
        self.walk, self.random = walk, walk.random
        self.sessions = {}  # client -> Session
        self.behind = set()  # the places whose device is in the background
        self.absences = {}  # user -> the last one

    def front(self):
        return {user for user, device in self.walk.clients if (user, device) not in self.behind}

    def came(self, place, client):
        self.behind.discard(place)
        # a dialog that begins later tells nobody who is online already
        self.sessions[client] = Session(self.walk.model.peers(place[0]))

    def went(self, place, client):
        del self.sessions[client]
        if place not in self.behind:
            self.left(place[0])
        self.behind.discard(place)

    def left(self, user):
        if user not in self.front():
            self.absences[user] = Absence(self.walk.model.span[1])

    def died(self):
        for absence in self.absences.values():
            absence.current = False

    def hear(self, place, client, event):
        """An event without a seq, but for signals."""
        session, payload = self.sessions[client], event["payload"]
        if event["eventType"] == "typing":
            assert session.typing and session.typing.pop(0) == payload, (place, event)
            return
        assert payload["userId"] in self.walk.model.peers(place[0]), (place, event)
        assert payload.get("lastSeen", 0) <= event["timestamp"]
        session.words[payload["userId"]] = event

    # --- what they do

    async def turn(self, place):
        """The device goes to the background, or comes back from there."""
        client = self.walk.clients[place]
        if place in self.behind:
            self.behind.remove(place)
            await client.event("online")
        else:
            self.behind.add(place)
            await client.event("offline", {})
            self.left(place[0])
        await client.barrier()

    async def type(self, place):
        """And stops."""
        user, client = place[0], self.walk.clients[place]
        chat_id = self.walk.some_chat(user)
        chat = self.walk.model.find(user, chat_id)
        message = {"type": "event", "payloadType": "typing", "id": "t",
                   "payload": {"chatId": chat_id}}
        if chat is None and is_group(chat_id):
            await client.refused(message, "not_found", None, "t")
            return
        others = set(chat.members if is_group(chat_id) else (chat_id,)) - {user}
        there = [other for other in self.walk.clients if other[0] in others]
        if not there:  # when it was all told would not be seen
            return
        wanted = {"chatId": chat_id if is_group(chat_id) else user, "userId": user}
        for other in there:
            self.sessions[self.walk.clients[other]].typing += [wanted, {**wanted, "stop": True}]
        await client.send(message)
        await self.heard(there, wanted)  # who has stopped by then is not told of
        await client.event("typing", {"chatId": chat_id, "stop": True})
        await self.heard(there, {**wanted, "stop": True})
        for other in there:
            self.walk.listen(other)

    async def heard(self, there, typing):
        for other in there:
            receiver = self.walk.clients[other]
            await receiver.until(lambda r=receiver: any(
                event["payload"] == typing for event in r.events[r.taken:]), f"{typing}")

    # --- what is judged

    async def settle(self):
        """Waits until the server knows who has gone, and has told all."""
        server, front = self.walk.server, self.front()
        await eventually(lambda: server.metric("parlance_presence_online") == len(front),
                         f"{len(front)} users online")
        clients = list(self.walk.clients.values())
        await clients[0].barrier()  # what the server did then, it did to its end
        await eventually(lambda: server.metric("parlance_presence_waiting") == 0, "all told")
        await asyncio.gather(*(client.barrier() for client in clients))

    async def judge(self):
        await self.settle()
        front = self.front()
        for place, client in self.walk.clients.items():
            self.walk.listen(place)
            session = self.sessions[client]
            assert not session.typing, (place, session.typing)
            for peer in self.walk.model.peers(place[0]):
                word = session.words.get(peer, {}).get("eventType")
                if peer not in front:
                    assert word != "online", f"{place} takes {peer} for online"
                    session.owed.add(peer)
                elif word is not None or peer in session.owed:
                    assert word == "online", f"{place} was told last that {peer} is {word}"
        await self.ask()

    async def ask(self):
        """One of them asks when the others were seen last."""
        place = self.random.choice(list(self.walk.clients))
        client, user = self.walk.clients[place], place[0]
        for chat in (await client.ok("chats", {"count": 500}))["chats"]:
            if chat["type"] == "dialog":
                self.compare(client, chat["id"], chat)
            else:
                assert "lastSeen" not in chat
        peer = self.walk.some_chat(user)
        if peer in self.walk.model.peers(user):
            answer = await client.ok("lastSeen", {"chatId": peer})
            assert (answer["userId"], answer["online"]) == (peer, peer in self.front())
            self.compare(client, peer, answer)
        elif peer != user:
            await client.fails("not_found", "lastSeen", {"chatId": peer})

    def compare(self, client, peer, answer):
        """The lastSeen in it."""
        absence = self.absences.get(peer)
        if peer in self.front() or absence is None:
            assert "lastSeen" not in answer, answer
        elif absence.current:
            word = self.sessions[client].words.get(peer, {"payload": {"lastSeen": 0}})
            assert answer["lastSeen"] >= max(absence.least, word["payload"]["lastSeen"]), answer
        else:  # when he went may not have been stored any more
            assert answer.get("lastSeen", 0) <= self.walk.model.span[1], answer
