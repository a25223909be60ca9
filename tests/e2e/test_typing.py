# SPDX-License-Identifier: BSD-2-Clause
"""Typing: passed on to who is online, never stored."""
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


async def test_typing(slow, users):
    a, b, alice, bob = await pair(slow, users)
    await a.event("typing", {"chatId": bob})
    event = await b.expect_event("typing")
    assert event["payload"] == {"chatId": alice, "userId": alice}
    assert "seq" not in event and "redelivered" not in event
    await a.event("typing", {"chatId": bob, "stop": True})
    event = await b.expect_event("typing")
    assert event["payload"] == {"chatId": alice, "userId": alice, "stop": True}
    await a.barrier()
    assert len(a.texts) == 1, "there is no answer to an event"


async def test_with_event_type_in_place_of_payload_type(slow, users):
    a, b, alice, bob = await pair(slow, users)
    await a.send({"type": "event", "eventType": "typing", "id": "e1", "timestamp": 1,
                  "payload": {"chatId": bob}})
    await b.expect_event("typing", chatId=alice)


async def test_to_all_devices(slow, users):
    a, b, alice, bob = await pair(slow, users)
    laptop = await slow.connect(bob, "laptop")
    await a.event("typing", {"chatId": bob})
    for client in (b, laptop):
        await client.expect_event("typing", chatId=alice)


async def test_repeats_within_the_interval_are_dropped(slow, users):
    a, b, alice, bob = await pair(slow, users)
    for _ in range(20):
        await a.event("typing", {"chatId": bob})
    await a.new(bob, "written")
    await b.expect_event("typing")
    await b.expect_event("new")


async def test_repeats_after_the_interval_are_passed_on(start_server):
    own = start_server(plugins={"typing": {"typing_interval": "0ms", "typing_timeout": "10m"}})
    a, b = await own.connect("alice"), await own.connect("bob")
    for _ in range(5):
        await a.event("typing", {"chatId": "bob"})
    for _ in range(5):
        await b.expect_event("typing")


async def test_stop_by_itself(start_server):
    own = start_server(plugins={"typing": {"typing_interval": "10ms", "typing_timeout": "100ms"}})
    a, b = await own.connect("alice"), await own.connect("bob")
    await a.event("typing", {"chatId": "bob"})
    event = await b.expect_event("typing")
    assert "stop" not in event["payload"]
    await b.expect_event("typing", chatId="alice", userId="alice", stop=True)


async def test_stop_when_the_connection_is_gone(slow, users):
    a, b, alice, bob = await pair(slow, users)
    await a.event("typing", {"chatId": bob})
    await b.expect_event("typing")
    await a.kill()
    await b.expect_event("typing", userId=alice, stop=True)


async def test_not_to_oneself(slow, users):
    alice = users("alice")
    a, laptop = await slow.connect(alice), await slow.connect(alice, "laptop")
    await a.event("typing", {"chatId": alice})
    await a.new(alice, "note")
    await laptop.expect_event("new")


async def test_nothing_is_kept_for_who_is_offline(slow, users):
    alice, bob = users("alice", "bob")
    a = await slow.connect(alice)
    await a.event("typing", {"chatId": bob})
    await a.new(bob, "hello")
    b = await slow.connect(bob)
    await b.expect_event("new")
    await b.barrier()
    b.assert_no_event()


async def test_stop_of_nothing(slow, users):
    a, b, alice, bob = await pair(slow, users)
    await a.event("typing", {"chatId": bob, "stop": True})
    await a.new(bob, "hello")
    await b.expect_event("new")


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


async def test_a_feature_that_is_off(start_server):
    own = start_server(plugins={"typing": None})
    a = await own.connect("alice")
    await a.send({"type": "event", "payloadType": "typing", "payload": {"chatId": "bob"}})
    check_error(await a.response(None), "unknown_payload_type")
    await a.ok("chats")
