# SPDX-License-Identifier: BSD-2-Clause
"""parlance-cli against the real server."""
import asyncio
import json
import signal

from cli import Cli, Terminal, run
from harness import DURABLE


def url(server):
    return f"ws://127.0.0.1:{server.ws_port}"


async def test_send_and_tail(server, users):
    alice, bob = users("alice", "bob")
    status, out, _ = await run(url(server), "send", "--user", alice, "--to", bob, "--json",
                               lines=["one", "", "two \U0001fae1"])
    assert status == 0
    answers = [json.loads(line) for line in out.splitlines()]
    assert sorted(a["payload"]["messageId"] for a in answers) == [1, 2]
    assert len({a["payload"]["clientMessageId"] for a in answers}) == 2
    status, out, _ = await run(url(server), "tail", "--user", bob, "--json", "--count", "2")
    assert status == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert [e["payload"]["message"] for e in events] == ["one", "two \U0001fae1"]


async def test_tail_acks_what_it_printed(server, users):
    alice, bob = users("alice", "bob")
    tail = ["tail", "--user", bob, "--count", "1"]
    await run(url(server), "send", "--user", alice, "--to", bob, "--message", "first")
    for _ in range(2):
        _, out, _ = await run(url(server), *tail, "--no-ack")
        assert out.endswith(f" new {alice} #1 {alice}: first\n")
    _, out, _ = await run(url(server), *tail)
    assert out.endswith(": first\n")
    await run(url(server), "send", "--user", alice, "--to", bob, "--message", "second")
    _, out, _ = await run(url(server), *tail)
    assert out.endswith(": second\n"), "the first was not acked"


async def test_tail_prints_events_as_they_are(server, users):
    alice, bob = users("alice", "bob")
    await run(url(server), "send", "--user", alice, "--to", bob, "--message", "\u202eb\x9b\x1b[2J")
    client = await server.connect(bob, auto_ack=False)
    await client.expect_event("new", messageId=1)
    _, out, _ = await run(url(server), "tail", "--user", bob, "--json", "--count", "1")
    sent, printed = json.loads(client.texts[0]), json.loads(out)
    for event in sent, printed:  # these belong to the connection
        del event["id"]
        event.pop("timestamp"), event.pop("redelivered", None)
    assert printed == sent


async def test_terminal_escapes_do_not_get_through(server, users):
    alice, bob = users("alice", "bob")
    evil = "\x1b]0;title\x07\x1b[2J\u009b1m\u202e\rmallory: hi"
    await run(url(server), "send", "--user", alice, "--to", bob, "--message", evil)
    _, out, _ = await run(url(server), "tail", "--user", bob, "--no-ack", "--count", "1")
    assert not any(c in out for c in "\x1b\x07\x9b\u202e\r"), repr(out)
    terminal = await Terminal(url(server), "chat", "--user", bob, "--to", alice).start()
    shown = await terminal.until("mallory")
    assert b"\x1b]" not in shown and b"\x1b[2J" not in shown and "\x9b".encode() not in shown
    assert await terminal.end() == 0


async def test_refusals_give_status_1(server, users):
    alice, bob = users("alice", "bob")
    status, _, errors = await run(url(server), "send", "--user", "grp_x", "--to", bob, "--message",
                                  "x")
    assert status == 1 and "401" in errors
    status, out, errors = await run(url(server), "request", "--user", alice, "--type", "nonsense")
    assert status == 1 and out == "" and errors != ""
    status, out, _ = await run(url(server), "request", "--user", alice, "--type", "nonsense",
                               "--json")
    assert status == 1 and json.loads(out)["error"]["code"] == "unknown_payload_type"
    status, _, errors = await run(url(server), "send", "--user", alice, "--to", bob,
                                  lines=["x" * 65530])
    assert status == 1 and "too big" in errors


async def test_wrong_command_lines_give_status_2():
    for args in (["chat"], ["send", "--user", "a"], ["tail", "--user", "a", "--count", "x"],
                 ["request", "--user", "a"], ["tail", "--user", "a", "--to", "b"],
                 ["request", "--user", "a", "--type", "t", "--payload", "[]"]):
        status, out, errors = await run("ws://127.0.0.1:1", *args)
        assert status == 2 and out == "" and errors != "", args
    status, _, errors = await run("http://127.0.0.1:1", "tail", "--user", "a")
    assert status == 2 and "ws://" in errors


async def test_request_prints_the_payload(server, users):
    alice, bob = users("alice", "bob")
    payload = {"chatId": bob, "message": "hi"}
    for _ in range(2):  # a clientMessageId of its own each time, so two messages
        status, _, _ = await run(url(server), "request", "--user", alice, "--type", "new",
                                 "--payload", json.dumps(payload))
        assert status == 0
    status, out, _ = await run(url(server), "request", "--user", bob, "--type", "messages",
                               "--payload", json.dumps({"chatId": alice}))
    assert status == 0
    assert [m["message"] for m in json.loads(out)["messages"]] == ["hi", "hi"]


async def test_signals_end_tail_cleanly(server, users):
    alice, bob = users("alice", "bob")
    for number in signal.SIGTERM, signal.SIGINT:
        tail = await Cli(url(server), "tail", "--user", alice).start()
        await run(url(server), "send", "--user", bob, "--to", alice, "--message", "go")
        assert await tail.line() != ""  # it is connected
        assert await tail.end(number) == 0
        assert tail.errors() == ""


async def test_replaced(start_server):
    server = start_server(server={"session_policy": "replace"})
    first = await Cli(url(server), "tail", "--user", "alice", "--json").start()
    await run(url(server), "send", "--user", "bob", "--to", "alice", "--message", "go")
    await first.line()
    second = await Cli(url(server), "tail", "--user", "alice").start()
    assert await first.status() == 1
    assert "replaced" in first.errors()
    assert await second.end() == 0


async def test_record(server, users, tmp_path):
    alice, bob = users("alice", "bob")
    sent, got = str(tmp_path / "sent"), str(tmp_path / "got")
    await run(url(server), "send", "--user", alice, "--to", bob, "--record", sent, lines=["a", "b"])
    await run(url(server), "tail", "--user", bob, "--count", "2", "--record", got)

    def lines(path, direction):
        with open(path, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        assert all(r["t"] > 1700000000000 for r in records)
        conn = records[0]["conn"]
        assert [r["dir"] for r in records if "message" not in r] == ["open", "close"]
        assert records[0]["user"] in (alice, bob)
        assert all(r["conn"] == conn for r in records)
        return [r["message"] for r in records if r["dir"] == direction]

    requests = [m["payload"]["clientMessageId"] for m in lines(sent, "out")]
    assert len(set(requests)) == 2
    assert {m["payload"]["clientMessageId"] for m in lines(sent, "in")} == set(requests)
    events = lines(got, "in")
    assert [e["payload"]["clientMessageId"] for e in events] == requests
    assert [int(m["id"]) for m in lines(got, "out")] == [e["id"] for e in events]


# ---------------------------------------------------------------- kill -9

TOTAL = 2000


def restart_on_the_same_port(server):
    server.config["server"]["listen"] = [url(server)]
    server.kill()
    server.start()


async def read_messages(tail, into, count):
    """Until `into` has `count` messages: (messageId, text) as tail printed them."""
    while len(into) < count:
        event = await tail.json()
        if event["eventType"] == "new":
            into.append((event["payload"]["messageId"], event["payload"]["message"]))


async def test_nothing_lost_nothing_doubled(start_server):
    """The server is killed three times under what one send and one tail do."""
    server = start_server(storage=DURABLE)
    texts = [f"message {n}" for n in range(TOTAL)]
    tail = await Cli(url(server), "tail", "--user", "bob", "--json").start()
    send = await Cli(url(server), "send", "--user", "alice", "--to", "bob", "--json").start(texts)
    answers = asyncio.ensure_future(send.rest())
    got = []
    for count in (TOTAL // 10, TOTAL // 3, TOTAL // 2):
        await read_messages(tail, got, count)
        await asyncio.get_running_loop().run_in_executor(None, restart_on_the_same_port, server)
    await read_messages(tail, got, TOTAL)
    assert await send.status() == 0
    assert send.errors().count("lost the connection") >= 1, "it was never cut off"
    # What comes last in the stream shows that nothing came twice before it.
    await run(url(server), "send", "--user", "alice", "--to", "bob", "--message", "the end")
    await read_messages(tail, got, TOTAL + 1)
    assert await tail.end() == 0
    assert got == list(enumerate(texts + ["the end"], start=1))
    answered = [json.loads(line)["payload"]["messageId"] for line in (await answers).splitlines()]
    assert sorted(answered) == list(range(1, TOTAL + 1))


async def test_killed_tail_loses_nothing(start_server):
    """What a killed tail has not acked is printed by the next one."""
    server = start_server(storage=DURABLE)
    texts = [f"message {n}" for n in range(500)]
    status, _, _ = await run(url(server), "send", "--user", "alice", "--to", "bob", lines=texts)
    assert status == 0
    got = []
    while not got or got[-1] != (len(texts), texts[-1]):
        tail = await Cli(url(server), "tail", "--user", "bob", "--json").start()
        run_of = []
        while len(run_of) < 60 and (not run_of or run_of[-1][0] < len(texts)):
            await read_messages(tail, run_of, len(run_of) + 1)
        tail.process.kill()
        rest = (await tail.rest()).splitlines(keepends=True)
        await tail.status()
        events = [json.loads(line) for line in rest if line.endswith("\n")]
        run_of += [(e["payload"]["messageId"], e["payload"]["message"]) for e in events]
        first, last = run_of[0][0], run_of[-1][0]
        assert [number for number, _ in run_of] == list(range(first, last + 1)), "not in order"
        assert first <= (got[-1][0] if got else 0) + 1, "some were lost"
        got += run_of
    assert sorted(set(got)) == list(enumerate(texts, start=1))


# ------------------------------------------------------------------- chat

async def test_chat(server, users):
    alice, bob = users("alice", "bob")
    await run(url(server), "send", "--user", bob, "--to", alice, "--message", "from the past")
    a = await Terminal(url(server), "chat", "--user", alice, "--to", bob).start()
    await a.until(f"#1 {bob}: from the past")
    b = await Terminal(url(server), "chat", "--user", bob, "--to", alice).start()
    await b.until(f"#1 {bob}: from the past")
    a.type("h\u00e9\u007fello")  # one backspace takes one character
    await b.until(f"-- {alice} is typing")
    a.type(" there\r")
    await b.until(f"#2 {alice}: hello there")
    await a.until(f"#2 {alice}: hello there")
    await a.until(f"-- #2 read by {bob}")
    b.type("hi\r")
    await a.until(f"#3 {bob}: hi")
    await b.until(f"-- #3 read by {alice}")
    a.type("/edit 2 hello, you\r")
    await b.until(f"-- {alice} changed #2: hello, you")
    a.type("/delete 2\r")
    await b.until(f"-- {alice} deleted #2")
    a.type("//slash\r")
    await b.until(": /slash")
    assert await a.end() == 0
    assert await b.end() == 0


async def test_chat_shows_delivered_and_other_chats(server, users):
    alice, bob, carol = users("alice", "bob", "carol")
    a = await Terminal(url(server), "chat", "--user", alice, "--to", bob).start()
    a.type("are you there?\r")
    await a.until(f"#1 {alice}: are you there?")
    client = await server.connect(bob)
    await client.ok("dlvrd", {"chatId": alice, "messageId": 1})
    await a.until(f"-- #1 delivered to {bob}")
    await run(url(server), "send", "--user", carol, "--to", alice, "--message", "psst")
    await a.until(f"-- a message in the chat {carol}")
    assert await a.end() == 0
    c = await server.connect(carol)
    await c.expect_event("dlvrd", chatId=alice, messageId=1)


async def test_chat_outlives_the_server(start_server):
    server = start_server(storage=DURABLE)
    a = await Terminal(url(server), "chat", "--user", "alice", "--to", "bob").start()
    b = await Terminal(url(server), "chat", "--user", "bob", "--to", "alice").start()
    a.type("before\r")
    await b.until("#1 alice: before")
    await a.until("-- #1 read by bob")
    server.config["server"]["listen"] = [url(server)]
    server.kill()
    await a.until("trying again")
    await b.until("trying again")
    a.type("meanwhile\r")
    server.start()
    await b.until("#2 alice: meanwhile")
    await a.until("-- #2 read by bob")
    a.type("after\r")
    shown = await b.until("#3 alice: after")
    assert b"before" not in shown and b"meanwhile" not in shown, "shown twice"
    assert await a.end() == 0
    assert await b.end() == 0


async def test_chat_from_a_pipe(server, users):
    alice, bob = users("alice", "bob")
    status, out, _ = await run(url(server), "chat", "--user", alice, "--to", bob,
                               lines=["one", "two"])
    assert status == 0
    assert [line.split(" ", 1)[1] for line in out.splitlines()] == [f"#1 {alice}: one",
                                                                   f"#2 {alice}: two"]
