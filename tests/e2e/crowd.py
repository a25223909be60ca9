# SPDX-License-Identifier: BSD-2-Clause
"""Many people at once, for the tests of faults: some with several devices, who
write, edit, delete and mark, ack in every way there is, and send again what was
not answered. What happens to the server meanwhile is the test's affair.

    crowd = Crowd(server, people=6)
    async with crowd.at_work():          # connects all, and puts them to work
        await crowd.answers(200)         # until so many more requests were answered
        await in_thread(server.kill)
    server.start()                       # any number of times
    await crowd.check()                  # connects all, settles everything, judges

With several servers on one database each device comes to one of crowd.servers, another
one each time.
"""
import asyncio
import contextlib
import itertools
import random

import websockets

from client import Client, Closed
from harness import eventually, in_thread, judge, within

# What may be sent again, and is: docs/protocol.md says that the outcome is open.
OPEN = ("unavailable", "timeout", "internal")

THE_END = "the end"  # the last message that everybody gets


class Device(Client):
    """A client that acks in its own way."""

    WAYS = ("at once", "as text", "backwards", "shuffled", "in part", "late")

    def __init__(self, server, person, name, way):
        super().__init__(server, person.name, name, auto_ack=False)
        self.person = person
        self.way = way
        self.kept = []
        self.seqs = {}  # of what came on this connection, by event id
        self.owed = person.owed[name]
        self.acked = person.acked[name]

    async def took(self, event):
        self.person.heard(event)
        if event["payload"].get("message") == THE_END:
            async with self.news:
                self.person.ended.add(self.device)
                self.news.notify_all()
        self.seqs[event["id"]] = event["seq"]
        if event["seq"] not in self.acked:
            self.owed.add(event["seq"])
        if self.way in ("at once", "as text"):
            await self.ack(event["id"], text=self.way == "as text")
            return
        self.kept.append(event["id"])
        if len(self.kept) == 12:
            await self.ack_kept()

    async def ack(self, event, text=False):
        self.owed.discard(self.seqs[event])
        if self.person.crowd.several:
            self.acked.add(self.seqs[event])
        await super().ack(event, text)

    async def ack_kept(self):
        """Backwards, in any order, all but a third (that comes again with the next
        connection), or only what is older."""
        kept, self.kept = self.kept, []
        if self.way == "backwards":
            kept.reverse()
        elif self.way == "shuffled":
            self.person.random.shuffle(kept)
        elif self.way == "in part":
            kept = [number for number in kept if number % 3]
        elif self.way == "late":
            kept, self.kept = kept[:6], kept[6:]
        for number in kept:
            await self.ack(number)


class Person:
    """One user, his devices, and what he has asked and been told."""

    def __init__(self, crowd, name, devices):
        self.crowd = crowd
        self.name = name
        self.random = random.Random(f"{crowd.seed} {name}")
        self.names = [f"device {i}" for i in range(devices)]
        self.devices = []
        self.owed = {name: set() for name in self.names}  # seqs that came and were not acked
        # what one server had acked may be sent by another, to whom the device came too soon, and is
        # not owed then; of a single server's acks some may be lost, so nothing is noted
        self.acked = {name: set() for name in self.names}
        self.numbers = itertools.count(1)
        self.pending = {}  # key -> (payloadType, payload), sent again until it is settled
        self.answers = {}  # clientMessageId of a "new" -> its answer
        self.mine = []  # (chatId, messageId) of what was written and not deleted
        self.gone = set()  # the same, of what may be deleted by now
        self.last = {}  # chatId -> the last messageId heard of
        self.ended = set()  # the devices that were told of THE_END

    def heard(self, event):
        payload = event["payload"]
        if event["eventType"] == "new" and payload["sender"] != self.name:
            chat = payload["chatId"]
            self.last[chat] = max(self.last.get(chat, 0), payload["messageId"])

    # --- asking

    def think(self):
        """The next thing to ask for: (payloadType, payload)."""
        number = next(self.numbers)
        key = f"{self.name} {number}"
        what = self.random.random()
        if what < 0.15 and self.last:
            chat = self.random.choice(sorted(self.last))
            return self.random.choice(["read", "dlvrd"]), {"chatId": chat,
                                                           "messageId": self.last[chat]}
        if what < 0.3 and self.mine:
            chat, message = self.random.choice(self.mine)
            return "edit", {"chatId": chat, "originalMessageId": message,
                            "message": f"edited {key}", "clientMessageId": key}
        if what < 0.35 and self.mine:
            chat, message = self.mine.pop(self.random.randrange(len(self.mine)))
            self.gone.add((chat, message))
            return "delete", {"chatId": chat, "originalMessageId": message}
        payload = {"chatId": self.random.choice(self.crowd.names), "message": f"message {key}",
                   "clientMessageId": key}
        if self.mine and self.random.random() < 0.2:
            payload["chatId"], payload["replyTo"] = self.random.choice(self.mine)
        return "new", payload

    async def ask(self, key, kind, payload):
        """Asks on any of the devices, until it is settled or the connection breaks."""
        self.pending[key] = kind, payload
        while True:
            device = self.random.choice(self.devices)
            answer = await device.request(kind, payload)
            error = answer.get("error", {}).get("code")
            if error not in OPEN:
                break
            await self.crowd.count(error)
        del self.pending[key]
        if error is not None:
            gone = (payload["chatId"], payload.get("originalMessageId")) in self.gone
            assert error == "not_found" and gone, (kind, payload, answer)
        elif kind == "new":
            first = self.answers.setdefault(payload["clientMessageId"], answer["payload"])
            assert first == answer["payload"], "answered twice, and not the same"
            self.mine.append((payload["chatId"], answer["payload"]["messageId"]))
        await self.crowd.count("answers")

    async def work(self, old):
        """First what is unanswered since last time, then new things, until told to stop."""
        while old or not self.crowd.stopping:
            if old:
                key, (kind, payload) = old.pop()
            else:
                kind, payload = self.think()
                key = payload.get("clientMessageId", f"{kind} {next(self.numbers)}")
            await self.ask(key, kind, payload)

    # --- coming and going

    async def come(self, ways=Device.WAYS):
        self.devices = [await Device(self.random.choice(self.crowd.servers), self, name,
                                     self.random.choice(ways)).open() for name in self.names]

    async def go(self):
        for device in self.devices:
            await device.kill()
        self.devices = []


class Crowd:
    """All of them, and what they share."""

    def __init__(self, server, *others, people=6, inflight=6, seed=1):
        self.server = server
        self.servers = [server, *others]
        self.several = len(others) > 0
        server.record()
        for other in others:
            other.recording = server.recording
        self.seed = seed
        self.inflight = inflight
        self.names = [f"person {i}" for i in range(people)]
        self.people = [Person(self, name, 1 + i % 3) for i, name in enumerate(self.names)]
        self.counts = {"answers": 0}
        self.news = asyncio.Condition()
        self.stopping = False
        self.runs = None

    async def count(self, what):
        async with self.news:
            self.counts[what] = self.counts.get(what, 0) + 1
            self.news.notify_all()

    async def until(self, condition, what):
        """Until condition() is true of the counts."""
        async def wait():
            async with self.news:
                await self.news.wait_for(condition)

        await within_or_ended(wait(), self.runs, what)

    async def answers(self, more, kind="answers"):
        """Until so many more were answered; with `kind`, so refused."""
        goal = self.counts.get(kind, 0) + more
        await self.until(lambda: self.counts.get(kind, 0) >= goal, f"{more} {kind}")

    async def come(self, *ways):
        for person in self.people:
            await person.come(*ways)

    async def go(self):
        for person in self.people:
            await person.go()

    def begin(self):
        self.stopping = False
        workers = []
        for person in self.people:
            old = list(person.pending.items())
            workers += [person.work(old) for _ in range(self.inflight)]
        self.runs = asyncio.gather(*map(until_cut, workers))

    async def end(self):
        """Lets everybody finish what is asked, however often it takes."""
        self.stopping = True
        await within(self.runs)
        self.runs = None

    @contextlib.asynccontextmanager
    async def at_work(self):
        await self.come()
        self.begin()
        yield self
        await self.end()
        await self.go()

    async def trouble(self, begin, end, refused=30):
        """At work: before it, while so many are refused, and behind it."""
        server = self.server
        await self.answers(60)
        await in_thread(begin)
        await self.answers(refused, "unavailable")
        await eventually(lambda: server.get("/readyz")[0] == 503, "not ready")
        assert server.get("/healthz")[0] == 200
        assert server.metric("parlance_ready") == 0
        await in_thread(end)
        await self.answers(60)
        await eventually(lambda: server.get("/readyz")[0] == 200, "ready again")
        assert server.metric("parlance_ready") == 1

    async def check(self):
        """Settles what is open, has every device take everything, and judges it all."""
        await self.come(("at once",))
        self.begin()
        await self.end()
        assert not any(person.pending for person in self.people)
        closer = await Client(self.server, "the closer").open()
        for person in self.people:
            await insist(closer, "new", {"chatId": person.name, "message": THE_END,
                                         "clientMessageId": person.name})
        if self.several:  # one does not tell what another stored until somebody asks
            await self.go()
            await self.come(("at once",))
        for person in self.people:
            for device in person.devices:
                await device.until(lambda p=person, d=device: d.device in p.ended, THE_END)
        for person in self.people:
            assert not any(person.owed.values()), f"not acked, and never came again: {person.owed}"
            await self.check_history(person)
            for device in person.devices:
                self.server.caught_up(person.name, device.device)
        await self.go()
        await closer.close()
        await in_thread(judge, self.server)

    async def check_history(self, person):
        """What was answered is stored, once."""
        stored = {}
        for chat in self.names:
            for message in await history(person.devices[0], chat):
                if message["type"] == "new" and message["sender"] == person.name:
                    key = message["clientMessageId"]
                    assert key not in stored, f"stored twice: {message}"
                    stored[key] = message["messageId"]
        answered = {key: answer["messageId"] for key, answer in person.answers.items()}
        assert stored == answered, "answered and stored differ"


async def until_cut(work):
    try:
        await work
    except (Closed, websockets.ConnectionClosed):
        pass


async def within_or_ended(wait, runs, what):
    """Waits, but not longer than there is anybody at work."""
    waiting = asyncio.ensure_future(wait)
    try:
        await within(asyncio.wait({waiting, runs}, return_when=asyncio.FIRST_COMPLETED))
        if runs.done():
            runs.result()  # tells what went wrong
            assert waiting.done(), f"all ended by themselves before {what}"
    finally:
        waiting.cancel()


async def insist(client, kind, payload):
    """Asks until it is answered: a server with little patience may say `timeout` at any time."""
    while True:
        answer = await client.request(kind, payload)
        if answer.get("error", {}).get("code") not in OPEN:
            assert "error" not in answer, answer
            return answer["payload"]


async def history(client, chat):
    """The whole chat, asked for in pages."""
    messages, payload = [], {"startId": 1}
    while True:
        page = await insist(client, "messages", {"chatId": chat, "count": 500, **payload})
        messages += page["messages"]
        if not page["hasMore"]:
            break
        payload = {"startId": messages[-1]["messageId"] + 1}
    numbers = [message["messageId"] for message in messages]
    assert numbers == list(range(1, len(numbers) + 1)), (chat, numbers)
    return messages
