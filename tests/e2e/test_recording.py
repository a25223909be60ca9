# SPDX-License-Identifier: BSD-2-Clause
"""What the two recorders write is a recording. What the checker finds in one is tested
in tests/history; here it has nothing to find, unless there is something."""
import asyncio
import json
import time

import pytest

from cli import Cli, run
from harness import DURABLE, eventually, history_check, in_thread, judge

TOTAL = 1000


def restart_on_the_same_port(server):
    server.config["server"]["listen"] = [server.url(path="")]
    server.kill()
    server.start()


async def check(*arguments):
    process = await asyncio.create_subprocess_exec(
        history_check(), *arguments, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT)
    report, _ = await process.communicate()
    return process.returncode, report.decode()


async def test_programs_that_share_a_file(start_server, tmp_path):
    """One writes, two devices read, the server is killed, and all that parlance-cli
    writes down of it goes into one file."""
    server = start_server(storage=DURABLE)
    url, path = server.url(path=""), str(tmp_path / "recording")
    tails = [await Cli(url, "tail", "--user", "bob", "--device", device, "--json", "--count",
                       str(TOTAL + 1), "--record", path).start() for device in ("phone", "laptop")]
    await eventually(lambda: server.metric("parlance_sessions") == 2, "both devices")
    await run(url, "send", "--user", "alice", "--to", "bob", "--message", "go", "--record", path)
    for tail in tails:  # the first device began at the beginning, the second may have later
        while (await tail.json())["payload"]["message"] != "go":
            pass
    send = await Cli(url, "send", "--user", "alice", "--to", "bob", "--record", path).start(
        lines=[f"message {i}" for i in range(TOTAL)])
    for _ in range(TOTAL // 4):
        await tails[0].line()
    await in_thread(restart_on_the_same_port, server)
    answered = asyncio.ensure_future(send.rest())
    read = [asyncio.ensure_future(tail.rest()) for tail in tails]
    assert await send.status() == 0
    assert [await tail.status() for tail in tails] == [0, 0]
    await asyncio.gather(answered, *read)
    await run(url, "request", "--user", "alice", "--type", "messages", "--payload",
              json.dumps({"chatId": "bob", "startId": 1, "count": 500}), "--record", path)
    with open(path, "a", encoding="utf-8") as file:
        for device in "phone", "laptop":
            note = {"t": int(time.time() * 1000), "dir": "caught-up", "user": "bob",
                    "device": device}
            file.write(json.dumps(note) + "\n")
    status, report = await check("--summary", "--window", "256", path)
    assert status == 0, report
    assert f"{TOTAL + 1} messages in 1 chats" in report


async def test_judge(start_server):
    """The test fails when the checker finds something, with its report."""
    server = start_server(record=True)
    alice, bob = await server.connect("alice"), await server.connect("bob")
    await alice.new("bob", "one", clientMessageId="a-1")
    await bob.expect_event("new")
    server.caught_up("alice")
    server.caught_up("bob")
    judge(server)
    server.recording.note("in", conn=bob.conn, message=bob.events[0])
    with pytest.raises(AssertionError) as fault:
        judge(server)
    assert "ids count up by one" in str(fault.value)
