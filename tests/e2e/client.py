# SPDX-License-Identifier: BSD-2-Clause
"""One device of one user, through python3-websockets, which is a real client
that is not ours. It keeps responses and events apart, each in order, and waits
by condition with a deadline."""
import asyncio
import itertools
import json

import websockets

import schemas
from wire import DEADLINE, connections


class Closed(Exception):
    """The connection ended while something was waited for."""


class Client:
    """One device of one user. Responses and events are kept apart, each in order;
    `texts` has everything as it came. With auto_ack every event is acked when it
    arrives, as a proper client does."""

    def __init__(self, server, user, device=None, auto_ack=True):
        self.server = server
        self.user = user
        self.device = device
        self.auto_ack = auto_ack
        self.ids = itertools.count(1)
        self.texts = []
        self.events = []
        self.taken = 0
        self.responses = {}
        self.others = []
        self.news = asyncio.Condition()
        self.over = False
        self.fault = None
        self.recording = server.recording
        self.conn = None  # its name in the recording
        self.conversation = schemas.conversation()

    async def open(self, **options):
        options.setdefault("compression", None)
        url = options.pop("url", None) or self.server.url(self.user, self.device)
        self.ws = await asyncio.wait_for(
            websockets.connect(url, ping_interval=None, max_size=None, max_queue=None, **options),
            DEADLINE)
        if self.recording:
            self.conn = self.recording.open(self.user, self.device)
        self.reader = asyncio.ensure_future(self.read())
        connections.append(self)
        return self

    async def read(self):
        try:
            async for text in self.ws:
                message = json.loads(text)  # whatever the server says is JSON
                self.conversation.came(message)
                if self.recording:
                    self.recording.note("in", conn=self.conn, message=message)
                async with self.news:
                    self.texts.append(text)
                    if message.get("type") == "event":
                        self.events.append(message)
                    elif message.get("type") == "response":
                        self.responses.setdefault(message["id"], []).append(message)
                    else:
                        self.others.append(message)
                    self.news.notify_all()
                if message.get("type") == "event":
                    await self.took(message)
        except websockets.ConnectionClosed:
            pass
        except Exception as error:  # pylint: disable=broad-except
            self.fault = error  # told to whoever waits
        finally:
            self.conversation.ended()
            if self.recording:
                self.recording.note("close", conn=self.conn)
            async with self.news:
                self.over = True
                self.news.notify_all()

    async def took(self, event):
        """What the client does with an event by itself."""
        if self.auto_ack:
            await self.ack(event["id"])

    async def until(self, condition, what):
        """Waits until condition() is true of this client."""
        async def wait():
            async with self.news:
                await self.news.wait_for(lambda: condition() or self.over)
        try:
            await asyncio.wait_for(wait(), DEADLINE)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.user}: no {what}; last were {self.texts[-5:]}") from None
        if self.fault is not None:
            raise AssertionError(f"{self.user}: cannot read what came") from self.fault
        if not condition():
            raise Closed(f"{self.user}: closed with {self.ws.close_code} before {what}")

    # --- sending

    async def send(self, message):
        """A dict, or the text itself, or bytes for a binary frame."""
        self.conversation.sent(message)
        if isinstance(message, dict):
            message = json.dumps(message, ensure_ascii=False)
        if self.recording:
            self.recording.sent(self.conn, message)
        await self.ws.send(message)

    async def begin(self, payload_type, payload=None, **envelope):
        """Sends a request and does not wait; returns its id."""
        message = {"type": "request", "id": f"r{next(self.ids)}", "payloadType": payload_type}
        if payload is not None:
            message["payload"] = payload
        message.update(envelope)
        await self.send(message)
        return message["id"]

    async def response(self, request_id):
        """The next response with this id."""
        await self.until(lambda: self.responses.get(request_id), f"response to {request_id!r}")
        return self.responses[request_id].pop(0)

    async def request(self, payload_type, payload=None, **envelope):
        return await self.response(await self.begin(payload_type, payload, **envelope))

    async def ok(self, payload_type, payload=None, **envelope):
        """The payload of a request that must succeed."""
        answer = await self.request(payload_type, payload, **envelope)
        assert "error" not in answer, answer
        return answer.get("payload")

    async def fails(self, code, payload_type, payload=None, path=None, **envelope):
        """The error of a request that must fail with this code (and path)."""
        answer = await self.request(payload_type, payload, **envelope)
        check_error(answer, code, path)
        return answer["error"]

    async def refused(self, text, code, path=None, request_id=None):
        """Sends a text that must be refused; returns the response."""
        await self.send(text)
        answer = await self.response(request_id)
        check_error(answer, code, path)
        return answer

    async def new(self, chat, message="hello", **payload):
        return await self.ok("new", {"chatId": chat, "message": message, **payload})

    async def event(self, payload_type, payload=None):
        """Sends a client event."""
        message = {"type": "event", "payloadType": payload_type}
        if payload is not None:
            message["payload"] = payload
        await self.send(message)

    async def ack(self, event, text=False):
        number = event["id"] if isinstance(event, dict) else event
        try:
            await self.send({"type": "ack", "id": str(number) if text else number})
        except websockets.ConnectionClosed:
            pass

    async def barrier(self):
        """Returns when the server has taken everything that was sent before."""
        await self.ok("chats", {"count": 1})

    # --- events

    async def expect_event(self, event_type=None, **payload):
        """The very next event, which must be of this type and have these payload fields."""
        await self.until(lambda: len(self.events) > self.taken, f"event {event_type} {payload}")
        event = self.events[self.taken]
        self.taken += 1
        assert event_type in (None, event["eventType"]), event
        for key, value in payload.items():
            assert event["payload"].get(key) == value, (key, value, event)
        return event

    async def expect_events(self, *types):
        """The next events, which must be these, in any order; returned by type."""
        events = [await self.expect_event() for _ in types]
        assert sorted(e["eventType"] for e in events) == sorted(types), events
        return {event["eventType"]: event for event in events}

    def assert_no_event(self):
        """To be used after a barrier."""
        assert len(self.events) == self.taken, self.events[self.taken:]

    # --- the end

    async def closed(self):
        """Waits for the server to close; returns the code."""
        await self.until(lambda: self.over, "end of the connection")
        return self.ws.close_code

    async def close(self):
        await asyncio.wait_for(self.ws.close(), DEADLINE)
        await self.closed()

    async def kill(self):
        """Breaks the TCP connection without a close frame."""
        self.ws.transport.abort()
        await self.closed()


def check_error(answer, code, path=None):
    error = answer.get("error")
    assert error is not None, answer
    assert answer["type"] == "response" and "payload" not in answer, answer
    assert isinstance(answer["timestamp"], int), answer
    assert error["code"] == code, answer
    assert isinstance(error["message"], str) and error["message"], answer
    if path is not None:
        assert error.get("details", {}).get("path") == path, answer
