# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 under load, again and again: what was answered is stored, exactly
once, and delivered; what was not answered is settled by sending it again."""
import asyncio

import websockets

from client import Closed
from harness import within

ROUNDS = 5
PAIRS = 4
INFLIGHT = 16


class Sender:
    """Writes numbered messages to one chat, many in flight, and remembers every
    answer over all lives of the server."""

    def __init__(self, name):
        self.name = name
        self.to = "reader of " + name
        self.sent = 0
        self.pending = {}  # clientMessageId -> number
        self.answers = {}  # clientMessageId -> messageId

    def payload(self, key):
        return {"chatId": self.to, "message": f"message {key}", "clientMessageId": key}

    async def send_one(self, client, key):
        answer = await client.ok("new", self.payload(key))
        assert self.answers.setdefault(key, answer["messageId"]) == answer["messageId"]
        self.pending.pop(key, None)

    async def run(self, client, ended):
        """Until the connection breaks: first what is unanswered, then new ones."""
        async def worker(keys):
            while True:
                if keys:
                    key = keys.pop()
                elif ended.is_set():
                    return
                else:
                    key = f"{self.name}-{self.sent}"
                    self.sent += 1
                    self.pending[key] = self.sent
                await self.send_one(client, key)

        old = list(self.pending)
        workers = [worker(old) for _ in range(INFLIGHT)]
        for result in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(
                    result, (Closed, websockets.ConnectionClosed)):
                raise result


class Reader:
    """Acks what it gets and remembers it."""

    def __init__(self, sender):
        self.sender = sender
        self.got = {}  # messageId -> clientMessageId

    def take(self, client):
        """What came on one connection: seqs ascend in it, and a message that
        comes again is the same one."""
        last = 0
        for event in client.events:
            assert event["eventType"] == "new", event
            assert event["seq"] > last, (event, last)
            last = event["seq"]
            payload = event["payload"]
            key = payload["clientMessageId"]
            if payload["messageId"] in self.got:
                assert event.get("redelivered") is True, event
            assert self.got.setdefault(payload["messageId"], key) == key
            assert payload["message"] == f"message {key}"


async def round_of_load(server, senders, readers, enough, kill):
    """Connects everybody, lets them run until `enough` more answers came, then
    kills the server, or lets them finish."""
    ended = asyncio.Event()
    reading = [await server.connect(reader.sender.to) for reader in readers]
    sending = [await server.connect(sender.name) for sender in senders]
    goal = sum(len(s.answers) for s in senders) + enough
    runs = asyncio.gather(*(s.run(c, ended) for s, c in zip(senders, sending)))

    async def until_enough():
        while sum(len(s.answers) for s in senders) < goal:
            await asyncio.sleep(0)  # lets the senders run
            assert not runs.done(), "the senders ended by themselves"

    await within(until_enough())
    if kill:
        await asyncio.get_running_loop().run_in_executor(None, server.kill)
        await within(runs)
    else:
        ended.set()
        await within(runs)
        for sender, client in zip(senders, reading):
            await client.until(
                lambda c=client, s=sender: {e["payload"]["clientMessageId"] for e in c.events} |
                set(got_before(readers, s)) >= set(s.answers), "everything delivered")
    for client in sending + reading:
        await client.kill()
    for reader, client in zip(readers, reading):
        reader.take(client)


def got_before(readers, sender):
    return next(r for r in readers if r.sender is sender).got.values()


async def history(server, sender):
    client = await server.connect(sender.name)
    messages, payload = [], {"startId": 1}
    while True:
        page = await client.ok("messages", {"chatId": sender.to, "count": 500, **payload})
        messages += page["messages"]
        if not page["hasMore"]:
            return messages
        payload = {"startId": messages[-1]["messageId"] + 1}


async def test_kill_under_load(start_server):
    server = start_server(storage="sqlite")
    senders = [Sender(f"writer {i}") for i in range(PAIRS)]
    readers = [Reader(sender) for sender in senders]
    for round_number in range(ROUNDS):
        await round_of_load(server, senders, readers, 100 + 77 * round_number, kill=True)
        server.start()
    assert any(sender.pending for sender in senders), "nothing was in flight when it was killed"
    await round_of_load(server, senders, readers, 100, kill=False)
    for sender, reader in zip(senders, readers):
        assert not sender.pending
        stored = await history(server, sender)
        assert [m["messageId"] for m in stored] == list(range(1, len(stored) + 1))
        keys = {m["clientMessageId"]: m["messageId"] for m in stored}
        assert len(keys) == len(stored), "stored twice"
        assert keys == sender.answers, "answered and stored differ"
        assert {key: number for number, key in reader.got.items()} == keys, "not all delivered"


async def test_kill_right_behind_the_answer(start_server):
    """The answer says that it is stored: not one may be missing afterwards."""
    server = start_server(storage="sqlite")
    for number in range(1, 6):
        client = await server.connect("alice")
        assert (await client.new("bob", f"number {number}"))["messageId"] == number
        server.kill()
        server.start()
    bob = await server.connect("bob")
    for number in range(1, 6):
        event = await bob.expect_event("new", messageId=number, message=f"number {number}")
        assert event["seq"] == number
