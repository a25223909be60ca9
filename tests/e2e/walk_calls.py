# SPDX-License-Identifier: BSD-2-Clause
"""Calls in the random walk: what the server must say of them (Calls, PROTOCOL.md section 6 once
more; part of the model, see walk_model.py), and what the users do (Phone, part of the walk).

No time-out decides anything in a walk: the server is told to wait longer than it lasts. How long a
call was is known to the walk within bounds; all who are told must be told the same.
"""
from walk_model import Refused, is_group

CALLS_OF_ONE = 16
MAX_PARTICIPANTS = 3


class Between:
    """Equal to the first number within the bounds that it is compared with, and to no other."""

    def __init__(self, least, most):
        self.least, self.most = least, most

    def __eq__(self, number):
        if not isinstance(number, int) or not self.least <= number <= self.most:
            return False
        self.least = self.most = number
        return True

    def __repr__(self):
        return f"{self.least}..{self.most}"


class Call:
    def __init__(self, call_id, caller, kind, created):
        self.id, self.caller, self.kind, self.created = call_id, caller, kind, created
        self.took, self.here = [caller], [caller]
        self.joined = None  # when somebody else came: not before, and not after

    def seen_by(self, reader):
        """CallPayload."""
        return {"direction": "outgoing" if reader == self.caller else "incoming",
                "status": "received" if self.joined else "missed", "callType": self.kind}

    def duration(self, ended):
        if self.joined is None:
            return 0
        return Between(max(0, ended[0] - self.joined[1]) // 1000,
                       (ended[1] - self.joined[0]) // 1000)


class Calls:
    def __init__(self, model):
        self.model = model
        self.live = {}  # the group, or both of a dialog -> Call

    @staticmethod
    def where(user, chat_id):
        return chat_id if is_group(chat_id) else frozenset((user, chat_id))

    def find(self, user, chat_id):
        return self.live.get(self.where(user, chat_id))

    def of(self, user):
        """The chats in which there is a call that he can reach, as he calls them."""
        for where in self.live:
            if user in self.members(where):
                yield where if isinstance(where, str) else next(iter(where - {user}))

    def busy(self, group, users):
        """Whether one of them has to do with the call there."""
        call = self.live.get(group)
        return call is not None and any(user in call.took for user in users)

    def members(self, where):
        return self.model.groups[where].members if isinstance(where, str) else where

    def people(self, chat_id):
        """All who are told; Refused when the actor is not one of them."""
        user = self.model.actor[0]
        if is_group(chat_id):
            return list(self.model.must(user, chat_id).members)
        if chat_id == user:
            raise Refused("bad_payload")
        return [chat_id, user]

    def must(self, chat_id, call_id):
        self.people(chat_id)
        call = self.find(self.model.actor[0], chat_id)
        if call is None or call.id != call_id:
            raise Refused("not_found")
        return call

    def tell_all(self, chat_id, kind, **payload):
        for user in self.people(chat_id):
            self.model.tell(user, kind, chatId=self.model.named(chat_id, user), **payload)

    def new(self, chat_id, call_id, kind, answer):
        user = self.model.actor[0]
        if chat_id != user and sum(c.caller == user for c in self.live.values()) == CALLS_OF_ONE:
            raise Refused("forbidden")
        self.people(chat_id)
        call = self.find(user, chat_id)
        if call is None:
            call = Call(call_id or answer["callId"], user, kind, answer["timestamp"])
            assert self.model.span[0] <= call.created <= self.model.span[1]
            self.live[self.where(user, chat_id)] = call
            self.tell_all(chat_id, "newCall", callId=call.id, caller=user, callType=kind,
                          createdAt=call.created)
        elif (call.id, call.caller) != (call_id, user):
            raise Refused("conflict", callId=call.id)
        return {"callId": call.id, "timestamp": call.created}

    def join(self, chat_id, call_id, answer):
        user = self.model.actor[0]
        call = self.must(chat_id, call_id)
        if user not in call.here:
            if user not in call.took:
                if len(call.took) == MAX_PARTICIPANTS:
                    raise Refused("too_large")
                call.took.append(user)
            call.here.append(user)
            if user != call.caller and call.joined is None:
                call.joined = self.model.span
            self.tell_all(chat_id, "joinCall", callId=call_id, userId=user)
        return {"callId": call_id, "participants": call.here} if answer else None

    def leave(self, chat_id, call_id, _):
        user = self.model.actor[0]
        call = self.must(chat_id, call_id)
        if user not in call.took:
            raise Refused("not_found")
        if call.here == [user]:
            self.end(chat_id)
        elif user in call.here:
            call.here.remove(user)
            self.tell_all(chat_id, "leaveCall", callId=call_id, userId=user)

    def close(self, chat_id, call_id, _):
        user = self.model.actor[0]
        call = self.must(chat_id, call_id)
        if is_group(chat_id) and user not in call.here and user != call.caller:
            raise Refused("forbidden")
        return {"callId": call_id, **self.end(chat_id)}

    def end(self, chat_id):
        """The call becomes a message, sent by the caller."""
        user = self.model.actor[0]
        call = self.live.pop(self.where(user, chat_id))
        chat = self.model.open(user, chat_id)
        used = any((m.sender, m.client) == (call.caller, call.id) for m in chat.messages)
        made = self.model.append(chat, call.caller, "call", client=None if used else call.id,
                                 call=call)
        how = {"callDuration": call.duration(self.model.span), "messageId": made.id}
        for reader in self.people(chat_id):
            named = {"chatId": self.model.named(chat_id, reader), **call.seen_by(reader)}
            self.model.tell(reader, "closeCall", callId=call.id, **named, **how)
            self.model.tell(reader, "call", messageId=made.id, **named)
        return how

    def passes(self, user, chat_id, call_id, to):
        """Whether his signal goes on."""
        call = self.find(user, chat_id)
        if call is None or call.id != call_id:
            return False
        return {user, to} <= set(call.here) if is_group(chat_id) else to == chat_id


class Phone:
    WAYS = {"begin": 4, "join": 7, "leave": 3, "close": 2, "signal": 4}

    def __init__(self, walk):
        self.walk, self.random = walk, walk.random
        self.calls = Calls(walk.model)
        self.begun = []  # call ids
        self.signals = []  # (the event, who may get it); its number is in its data
        self.taken = set()  # (number, place)

    async def use(self, place):
        way, = self.random.choices(list(self.WAYS), list(self.WAYS.values()))
        if way == "begin" or (not self.calls.live and self.random.random() < 0.8):
            await self.walk.ask(place, *self.begin(place[0]))
            return
        place, chat_id, call_id = self.somewhere(place, way)
        if way == "signal":
            await self.signal(place, chat_id, call_id)
        else:
            await self.walk.ask(place, *self.change(way, chat_id, call_id))

    def somewhere(self, place, way):
        """Who does it, and a chat and a call there: mostly one that is going on, and his."""
        chat_id = self.walk.some_chat(place[0])
        if self.calls.live and self.random.random() < 0.9:
            where, call = self.random.choice(list(self.calls.live.items()))
            people = self.calls.members(where)
            if self.random.random() < 0.7:
                people = set(people) - set(call.here) if way == "join" else call.here
            near = [other for other in self.walk.clients if other[0] in people]
            if near:
                place = self.random.choice(near)
                chat_id = where if isinstance(where, str) else next(iter(where - {place[0]}))
        call = self.calls.find(place[0], chat_id)
        if call is None or self.random.random() < 0.05:
            return place, chat_id, self.random.choice(self.begun or ["c0"])
        return place, chat_id, call.id

    def change(self, way, chat_id, call_id):
        return (f"{way}Call", {"chatId": chat_id, "callId": call_id},
                lambda answer: getattr(self.calls, way)(chat_id, call_id, answer))

    def begin(self, user, named=0.8):
        """A request, and what the model says to it."""
        groups = [group for group in self.walk.groups if self.walk.model.find(user, group)]
        chat_id = self.random.choice([self.walk.some_chat(user), *groups[-2:]])
        kind = self.random.choice(("audio", "video"))
        payload, call_id = {"chatId": chat_id, "callType": kind}, None
        if self.begun and self.random.random() < 0.2:  # again, or one that is over
            call_id = self.random.choice(self.begun[-4:])
        elif self.random.random() < named:
            call_id = f"call {len(self.begun)}"
            self.begun.append(call_id)
        if call_id is not None:
            payload["callId"] = call_id
        return ("newCall", payload,
                lambda answer: self.calls.new(chat_id, call_id, kind, answer))

    # --- signals

    async def signal(self, place, chat_id, call_id):
        user = place[0]
        call = self.calls.find(user, chat_id)
        to, = self.walk.some_users(1)
        if call is not None and self.random.random() < 0.9:
            near = list(self.calls.members(self.calls.where(user, chat_id)))
            to = self.random.choice(call.here + near if is_group(chat_id) else [chat_id])
        number = len(self.signals)
        payload = {"chatId": chat_id, "callId": call_id, "to": to, "data": {"n": number}}
        client = self.walk.clients[place]
        if to == user:
            await client.refused({"type": "event", "payloadType": "callSignal", "id": "s",
                                  "payload": payload}, "bad_payload", "to", "s")
            return
        passes = self.calls.passes(user, chat_id, call_id, to)
        self.signals.append(({"chatId": chat_id if is_group(chat_id) else user, "callId": call_id,
                              "from": user, "data": {"n": number}}, to if passes else None))
        await client.event("callSignal", payload)
        await client.barrier()
        for other, receiver in self.walk.clients.items():
            if passes and other[0] == to:
                await receiver.until(lambda r=receiver: any(
                    event["payload"].get("data") == {"n": number}
                    for event in r.events[r.taken:]), f"signal {number}")

    def hear(self, place, event):
        """A signal that came."""
        number = event["payload"]["data"]["n"]
        wanted, to = self.signals[number]
        assert event["payload"] == wanted and place[0] == to, (place, event, wanted, to)
        assert (number, place) not in self.taken, f"{place} heard twice: {event}"
        self.taken.add((number, place))

    # --- while the server dies

    def last_words(self, user):
        """About a call that he is in, or a new one."""
        mine = [(chat_id, self.calls.find(user, chat_id)) for chat_id in self.calls.of(user)]
        mine = [(chat_id, call.id) for chat_id, call in mine if user in call.here]
        if not mine:
            return self.begin(user, named=1)
        return self.change(self.random.choice(("close", "leave")), *self.random.choice(mine))
