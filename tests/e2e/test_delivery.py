# SPDX-License-Identifier: BSD-2-Clause
"""Many at once, and clients that do not read. What docs/protocol.md says of events, acks and devices
is shown by tests/dialogues."""


async def test_resend_at_once(server, users):
    """Two connections send the same message at the same time: it is stored once."""
    alice, bob = users("alice", "bob")
    b = await server.connect(bob)
    devices = [await server.connect(alice, str(i)) for i in range(8)]
    payload = {"chatId": bob, "message": "once", "clientMessageId": "c1"}
    requests = [await device.begin("new", payload) for device in devices]
    answers = [(await d.response(r))["payload"] for d, r in zip(devices, requests)]
    assert all(answer == answers[0] for answer in answers)
    await devices[0].new(bob, "next")
    await b.expect_event("new", messageId=1)
    await b.expect_event("new", messageId=2)


async def test_requests_beyond_max_inflight_wait(start_server):
    """A connection that asks more than max_inflight at once is read more slowly,
    and every request is answered once."""
    own = start_server(server={"max_inflight": 4})
    a = await own.connect("alice")
    requests = [await a.begin("new", {"chatId": "bob", "message": str(i)}) for i in range(300)]
    numbers = [(await a.response(r))["payload"]["messageId"] for r in requests]
    assert numbers == list(range(1, 301))
    assert not any(a.responses.values())


async def test_a_client_that_does_not_read(start_server):
    """Its backlog is bounded: it is closed, or made to wait, and nobody else
    notices; nothing is lost."""
    own = start_server(server={"max_backlog": "128k"})
    a = await own.connect("alice")
    raw = await own.raw("bob")  # never reads
    text = "x" * 30000
    for i in range(400):
        await a.new("bob", f"{i} {text}")
    await raw.kill()
    b = await own.connect("bob")
    for i in range(400):
        event = await b.expect_event("new")
        assert event["payload"]["message"].startswith(f"{i} ")
