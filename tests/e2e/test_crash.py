# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 under load, again and again: what was answered is stored, exactly
once, and delivered; what was not answered is settled by sending it again."""
import pytest

from crowd import Crowd
from harness import DURABLE, in_thread


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.long)])
async def test_kill_under_load(start_server, kills):
    """A crowd with several devices each, who write, edit, delete, mark, and ack in
    every way; the server is killed in the middle of it. Cursors are written often, so that
    some are on their way then."""
    server = start_server(storage=DURABLE, server={"cursor_interval": "10ms"})
    crowd = Crowd(server)
    unanswered = 0
    for number in range(kills):
        async with crowd.at_work():
            await crowd.answers(50 + 37 * (number % 5))
            await in_thread(server.kill)
        unanswered += sum(len(person.pending) for person in crowd.people)
        server.start()
    assert unanswered > kills, "hardly anything was in flight when it was killed"
    await crowd.check()


async def test_kill_right_behind_the_answer(start_server):
    """The answer says that it is stored: not one may be missing afterwards."""
    server = start_server(storage=DURABLE)
    for number in range(1, 6):
        client = await server.connect("alice")
        assert (await client.new("bob", f"number {number}"))["messageId"] == number
        server.kill()
        server.start()
    bob = await server.connect("bob")
    for number in range(1, 6):
        event = await bob.expect_event("new", messageId=number, message=f"number {number}")
        assert event["seq"] == number
