# SPDX-License-Identifier: BSD-2-Clause
"""Wrong typing. What right typing does is shown by tests/dialogues."""
import pytest

from client import check_error


async def pair(server, users):
    alice, bob = users("alice", "bob")
    return await server.connect(alice), await server.connect(bob), alice, bob


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A server whose interval and time-out are far longer than any test."""
    import harness
    server = harness.Server(tmp_path_factory.mktemp("server"),
                            plugins={"typing": {"typing_interval": "60s",
                                                "typing_timeout": "10m"}})
    server.start()
    yield server
    server.stop()
    server.retire()


@pytest.mark.parametrize("payload, path", [
    (None, "chatId"), ({}, "chatId"), ({"chatId": 1}, "chatId"), ({"chatId": None}, "chatId"),
    ({"chatId": ""}, "chatId"), ({"chatId": "u" * 129}, "chatId"), ({"chatId": "a\0"}, "chatId"),
    ({"chatId": "BOB", "stop": 1}, "stop"), ({"chatId": "BOB", "stop": "true"}, "stop"),
    ({"chatId": "BOB", "stop": None}, "stop")])
@pytest.mark.parametrize("event_id", ["e1", None])
async def test_bad(slow, users, payload, path, event_id):
    """A wrong event is answered with an error, nobody is told, the connection lives."""
    a, b, alice, bob = await pair(slow, users)
    message = {"type": "event", "payloadType": "typing"}
    if payload is not None:
        message["payload"] = {k: bob if v == "BOB" else v for k, v in payload.items()}
    if event_id is not None:
        message["id"] = event_id
    await a.send(message)
    check_error(await a.response(event_id), "bad_payload", path)
    await a.new(bob, "hello")
    await b.expect_event("new")
