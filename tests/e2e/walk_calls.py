# SPDX-License-Identifier: BSD-2-Clause
"""Calls in the random walk: what the server must say of them (Calls: that section of
docs/protocol.md once more; part of the model, see walk_model.py), and what the users do (Phone,
part of the walk).

No time-out decides anything in a walk: the server is told to wait longer than it lasts. How long a
call was is known to the walk within bounds; all who are told must be told the same.
"""
from walk_model import Refused, is_group

CALLS_OF_ONE = 16
MAX_PARTICIPANTS = 3
RECALLED = 50  # messages of a chat in which newCall finds a call that is over


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

    def members(self, where):
        return self.model.groups[where].members if isinstance(where, str) else where

    def must_reach(self, chat_id):
        """Refused when the actor is not in the chat."""
        user = self.model.actor[0]
        if is_group(chat_id):
            self.model.must(user, chat_id)
        elif chat_id == user:
            raise Refused("bad_payload")

    def must(self, chat_id, call_id):
        call = self.find(self.model.actor[0], chat_id)
        if call is None or call.id != call_id:
            raise Refused("bad_payload" if chat_id == self.model.actor[0] else "not_found")
        return call

    def tell_all(self, chat_id, kind, **payload):
        for user in self.members(self.where(self.model.actor[0], chat_id)):
            self.model.tell(user, kind, chatId=self.model.named(chat_id, user), **payload)

    def new(self, chat_id, call_id, kind, answer):
        user = self.model.actor[0]
        self.must_reach(chat_id)
        call = self.find(user, chat_id)
        if call is None or (call.id, call.caller) != (call_id, user):
            over = self.over(user, chat_id, call_id)
            if over is not None:
                return {"callId": call_id, **({"timestamp": over.call.created}
                                              if over.deletion is None else {})}
        if call is None:
            if sum(one.caller == user for one in self.live.values()) == CALLS_OF_ONE:
                raise Refused("forbidden")
            call = Call(call_id or answer["callId"], user, kind, answer["timestamp"])
            assert self.model.span[0] <= call.created <= self.model.span[1]
            self.live[self.where(user, chat_id)] = call
            self.tell_all(chat_id, "newCall", callId=call.id, caller=user, callType=kind,
                          createdAt=call.created)
        elif (call.id, call.caller) != (call_id, user):
            raise Refused("conflict", callId=call.id)
        return {"callId": call.id, "timestamp": call.created}

    def over(self, user, chat_id, call_id):
        """The message of this call of his, which has ended."""
        chat = self.model.find(user, chat_id)
        for message in chat.shown(user)[-RECALLED:] if chat and call_id else ():
            if (message.kind, message.sender, message.client) == ("call", user, call_id):
                return message
        return None

    def join(self, chat_id, call_id, answer):
        user = self.model.actor[0]
        self.must_reach(chat_id)
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
        if user not in call.took:  # who is no longer in the group has left already
            raise Refused("not_found")
        if call.here == [user]:
            self.end(chat_id, told=True)
        elif user in call.here:
            call.here.remove(user)
            self.tell_all(chat_id, "leaveCall", callId=call_id, userId=user)

    def close(self, chat_id, call_id, _):
        user = self.model.actor[0]
        self.must_reach(chat_id)
        call = self.must(chat_id, call_id)
        if is_group(chat_id) and user not in call.here and user != call.caller:
            raise Refused("forbidden")
        return {"callId": call_id, **self.end(chat_id)}

    def end(self, chat_id, teller=None, told=False):
        """The call becomes a message, sent by the caller, if he is there, else by who tells. `told`:
        so is the device that asked."""
        user = self.model.actor[0]
        where = self.where(user, chat_id)
        call = self.live.pop(where)
        chat = self.model.open(user, chat_id) if user else self.model.groups[chat_id]
        sender, client = teller or user, None
        if call.caller in self.members(where):
            sender = call.caller
            used = any((m.sender, m.client) == (sender, call.id) for m in chat.messages)
            client = None if used else call.id
        made = self.model.append(chat, sender, "call", client=client, call=call)
        how = {"callDuration": call.duration(self.model.span), "messageId": made.id}
        for reader in self.members(where):
            named = {"chatId": self.model.named(chat_id, reader), **call.seen_by(reader)}
            events = {"closeCall": {"callId": call.id, **named, **how},
                      "call": {"messageId": made.id, **named}}
            for kind, payload in events.items():
                if told:
                    self.model.streams[reader].append((kind, payload, None))
                else:
                    self.model.tell(reader, kind, **payload)
        return how

    def part(self, group, who):
        """`who` has changed the group. Those who are no longer in it leave its call."""
        call, chat = self.live[group], self.model.groups.get(group)
        if chat is None:
            del self.live[group]
            return
        for user in [user for user in call.took if user in call.here]:
            if user in chat.members:
                continue
            if call.here == [user]:
                rest = [one for one in call.took if one in chat.members]
                tellers = [who, call.caller, *rest, min(chat.members)]
                self.end(group, next(one for one in tellers if one in chat.members))
            else:
                call.here.remove(user)
                self.tell_all(group, "leaveCall", callId=call.id, userId=user)

    def passes(self, user, chat_id, call_id, to):
        """Whether his signal goes on."""
        call = self.find(user, chat_id)
        if call is None or call.id != call_id:
            return False
        return {user, to} <= set(call.here) if is_group(chat_id) else to == chat_id


class Phone:
    """What a walk does with calls."""

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

    async def parted(self, place, group):
        """He has changed the group, and the server takes those out of its call who are gone:
        what is asked about a call there waits for that."""
        call, chat = self.calls.live.get(group), self.walk.model.groups.get(group)
        if call is not None and (chat is None or not set(call.here) <= set(chat.members)):
            answer = await self.walk.clients[place].request(
                "joinCall", {"chatId": group, "callId": "none"})
            assert answer["error"]["code"] == "not_found"
            self.walk.model.answered((None, None), answer)
            self.calls.part(group, place[0])

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
