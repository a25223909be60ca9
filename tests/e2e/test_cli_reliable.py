# SPDX-License-Identifier: BSD-2-Clause
"""What parlance-cli does when answers get lost and connections break, against
a scripted server: each test is a list of scripts, one for each connection."""
import asyncio
import json
import socket

import websockets

from cli import Cli, Terminal, run
from harness import within


class Script:
    """Serves the connections one after the other, each with its script, and
    keeps a script's failure for the test."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.failures = []
        self.connections = 0

    async def serve(self, ws):
        self.connections += 1
        try:
            await within(self.scripts.pop(0)(ws))
        except Exception as failure:  # reported by __aexit__
            self.failures.append(failure)
            await ws.close(1008, "the script failed")

    async def __aenter__(self):
        self.server = await websockets.serve(self.serve, "127.0.0.1", 0, compression=None,
                                             ping_interval=None)
        port = self.server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}"
        return self

    async def __aexit__(self, kind, value, trace):
        self.server.close()
        await within(self.server.wait_closed())
        if self.failures:
            raise self.failures[0]
        if kind is None:
            assert not self.scripts, "there were fewer connections"


async def receive(ws):
    return json.loads(await ws.recv())


def message_of(request):
    return request["payload"]["message"], request["payload"]["clientMessageId"]


async def nothing_more(ws):
    """What was sent before the pong is there by now, and there is none."""
    await (await ws.ping())
    more = asyncio.ensure_future(ws.recv())
    for _ in range(10):
        await asyncio.sleep(0)  # lets recv run
    assert not more.done(), more.result()
    more.cancel()
    await asyncio.wait([more])


async def answer(ws, request, **fields):
    fields = fields or {"payload": {"messageId": 1, "timestamp": 1700000000000}}
    await ws.send(json.dumps({"type": "response", "timestamp": 1, "id": request["id"], **fields}))


async def end(ws):
    """Waits for the client's goodbye."""
    await ws.wait_closed()
    assert ws.close_code == 1000


async def test_unanswered_requests_are_sent_again_in_order():
    first = []

    async def answers_nothing(ws):
        for _ in range(3):
            first.append(message_of(await receive(ws)))
        ws.transport.abort()

    async def answers_the_second(ws):
        requests = [await receive(ws) for _ in range(3)]
        assert [message_of(r) for r in requests] == first
        await answer(ws, requests[1])
        await ws.close(1001)

    async def answers_all(ws):
        requests = [await receive(ws) for _ in range(2)]
        assert [message_of(r) for r in requests] == [first[0], first[2]]
        for request in requests:
            await answer(ws, request)
        await end(ws)

    async with Script(answers_nothing, answers_the_second, answers_all) as script:
        status, out, _ = await run(script.url, "send", "--user", "a", "--to", "b",
                                   lines=["x", "y", "z"])
        assert status == 0 and len(out.splitlines()) == 3
    assert [text for text, _ in first] == ["x", "y", "z"] and len(set(first)) == 3


async def test_passing_errors_are_tried_again():
    async def script(ws):
        request = await receive(ws)
        for code in ("unavailable", "timeout", "internal"):
            await answer(ws, request, error={"code": code, "message": "not now"})
            again = await receive(ws)
            assert message_of(again) == message_of(request)
        await answer(ws, again, error={"code": "rate_limited", "message": "slower",
                                       "details": {"retryAfterMs": 1}})
        await answer(ws, await receive(ws))
        await end(ws)

    async with Script(script) as server:
        status, _, _ = await run(server.url, "send", "--user", "a", "--to", "b", "--message", "x")
        assert status == 0


async def test_other_errors_are_final():
    async def script(ws):
        requests = [await receive(ws), await receive(ws)]
        await answer(ws, requests[0], error={"code": "forbidden", "message": "no\x1b[2J!"})
        await answer(ws, requests[1])
        await end(ws)

    async with Script(script) as server:
        status, out, errors = await run(server.url, "send", "--user", "a", "--to", "b",
                                        lines=["x", "y"])
        assert status == 1 and len(out.splitlines()) == 1
        assert "no\\u{1b}[2J!" in errors


async def test_the_window_bounds_what_is_in_flight():
    async def script(ws):
        requests = [await receive(ws) for _ in range(2)]
        await nothing_more(ws)
        await answer(ws, requests[0])
        requests.append(await receive(ws))
        for request in requests[1:]:
            await answer(ws, request)
        await end(ws)

    async with Script(script) as server:
        status, _, _ = await run(server.url, "send", "--user", "a", "--to", "b", "--window", "2",
                                 lines=["x", "y", "z"])
        assert status == 0


async def test_a_chat_has_a_window_too():
    async def script(ws):
        requests = [await receive(ws) for _ in range(16)]
        await nothing_more(ws)
        for _ in range(4 + 1):  # all 20 lines, and the history
            await answer(ws, requests.pop(0))
            requests.append(await receive(ws))
        for request in requests:
            await answer(ws, request)
        await end(ws)

    async with Script(script) as server:
        status, out, _ = await run(server.url, "chat", "--user", "a", "--to", "b",
                                   lines=[str(n) for n in range(20)])
        assert status == 0 and len(out.splitlines()) == 20


async def test_a_request_that_makes_a_message_is_the_same_when_sent_again():
    sent = []

    async def breaks(ws):
        sent.append(await receive(ws))
        ws.transport.abort()

    async def answers(ws):
        sent.append(await receive(ws))
        await answer(ws, sent[1])
        await end(ws)

    async with Script(breaks, answers) as server:
        status, _, _ = await run(server.url, "request", "--user", "a", "--type", "new",
                                 "--payload", '{"chatId": "b", "message": "x"}')
        assert status == 0
    assert sent[0]["payload"] == sent[1]["payload"] and sent[0]["payload"]["clientMessageId"]


EVENT = '{"type": "event","timestamp":1 , "id":%d,"eventType":"new","seq":%d,"payload":{}}'


async def test_events_are_printed_once_as_they_are_and_acked():
    async def breaks_before_the_ack_counts(ws):
        text = EVENT % (1, 5)
        await ws.send([text[:20], text[20:21], text[21:]])  # in fragments
        assert await receive(ws) == {"type": "ack", "id": "1"}
        ws.transport.abort()

    async def sends_it_again(ws):
        await ws.send(EVENT % (1, 5))
        await ws.send(EVENT % (2, 6))
        assert [(await receive(ws))["id"] for _ in range(2)] == ["1", "2"]
        await end(ws)

    async with Script(breaks_before_the_ack_counts, sends_it_again) as server:
        status, out, _ = await run(server.url, "tail", "--user", "a", "--json", "--count", "2")
        assert status == 0
        assert out.splitlines() == [EVENT % (1, 5), EVENT % (2, 6)]


def message(number, text):
    return {"chatId": "b", "sender": "b", "messageId": number, "message": text, "type": "new",
            "timestamp": 1700000000000, "createdAt": 1700000000000}


def new_event(number, seq, text):
    return json.dumps({"type": "event", "timestamp": 1, "id": seq, "seq": seq, "eventType": "new",
                       "payload": message(number, text)})


async def test_a_chat_shows_the_past_first_and_all_once():
    async def script(ws):
        history = await receive(ws)
        assert history["payloadType"] == "messages"
        await ws.send(new_event(2, 1, "known"))
        await ws.send(new_event(3, 2, "news"))
        await nothing_more(ws)  # no ack before it is shown
        await answer(ws, history, payload={"messages": [message(1, "old"), message(2, "known")]})
        got = [await receive(ws) for _ in range(3)]
        assert [m["id"] for m in got if m["type"] == "ack"] == ["1", "2"]
        reads = [m for m in got if m["type"] == "request"]
        assert reads[0]["payload"] == {"chatId": "b", "messageId": 2}
        await answer(ws, reads[0])
        last = await receive(ws)
        assert last["payload"] == {"chatId": "b", "messageId": 3}
        await answer(ws, last)
        await end(ws)

    async with Script(script) as server:
        terminal = await Terminal(server.url, "chat", "--user", "a", "--to", "b").start()
        await terminal.until("#1 b: old")
        await terminal.until("#2 b: known")
        shown = await terminal.until("#3 b: news")
        assert b"known" not in shown
        assert await terminal.end() == 0


async def test_codes_that_end_the_program():
    for code, reason, said in ((1008, "kicked\x1b[2J", "kicked\\u{1b}[2J"),
                               (4000, "", "replaced by a newer connection")):
        async def script(ws, code=code, reason=reason):
            await ws.close(code, reason)

        async with Script(script) as server:
            status, _, errors = await run(server.url, "tail", "--user", "a")
            assert status == 1
            assert said in errors and "\x1b" not in errors


async def test_what_breaks_the_protocol_is_cut_off():
    async def script(ws):
        await ws.send(b"binary")
        await ws.wait_closed()

    async def good(ws):
        await ws.send(EVENT % (1, 1))
        await receive(ws)
        await end(ws)

    async with Script(script, good) as server:
        status, _, _ = await run(server.url, "tail", "--user", "a", "--count", "1")
        assert status == 0


async def test_no_server():
    with socket.socket() as taken:  # bound, not listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
        status, out, errors = await run(url, "send", "--user", "a", "--to", "b", "--message", "x",
                                        "--timeout", "1")
        assert status == 1 and out == ""
        assert "cannot connect" in errors and "no answer" in errors


async def test_the_server_comes_later():
    async def script(ws):
        await ws.send(EVENT % (1, 1))
        await receive(ws)
        await end(ws)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        tail = await Cli(f"ws://127.0.0.1:{port}", "tail", "--user", "a", "--count", "1").start()
        await tail.until_said("trying again")
    served = Script(script)
    served.server = await websockets.serve(served.serve, "127.0.0.1", port, compression=None)
    assert await tail.status() == 0
    await served.__aexit__(None, None, None)
