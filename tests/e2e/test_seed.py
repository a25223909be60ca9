# SPDX-License-Identifier: BSD-2-Clause
"""The description that the product grew from: every message that it shows,
byte for byte, and the conversation of its sequence diagram from the first
line to the last."""
import json
import re

import pytest

REQUEST = ('{"type":"request","timestamp":1700000000000,"id":"req001","payloadType":"new",'
           '"payload":{"chatId":"User2","message":"Hi from User1!"}}')
ACK = """{
  "type": "ack",
  "id": "23"
}"""


@pytest.fixture(autouse=True)
def own_server(start_server):
    """User1 and User2 must be new to the server each time."""
    global server
    server = start_server()


async def chat(n):
    """User1 and User2 after n messages; everything so far was read away."""
    one = await server.connect("User1")
    two = await server.connect("User2")
    for i in range(n):
        await one.new("User2", f"number {i + 1}")
        await two.expect_event("new", messageId=i + 1)
    return one, two


async def test_request_and_response():
    one, _ = await chat(4)
    await one.send(REQUEST)
    answer = await one.response("req001")
    assert list(answer) == ["type", "timestamp", "id", "payload"]
    assert answer["type"] == "response"
    assert isinstance(answer["timestamp"], int) and answer["timestamp"] > 1700000000000
    assert list(answer["payload"])[0] == "messageId" and answer["payload"]["messageId"] == 5
    assert re.match(r'\{"type":"response","timestamp":\d{13},"id":"req001",'
                    r'"payload":\{"messageId":5[,}]', one.texts[-1])


async def test_server_event():
    _, two = await chat(1)
    text = next(t for t in two.texts if '"event"' in t)
    event = json.loads(text)
    assert list(event)[:2] == ["type", "timestamp"]
    assert list(event)[-2:] == ["eventType", "payload"]
    assert event["type"] == "event"
    assert isinstance(event["timestamp"], int)
    assert event["id"] == 1
    assert event["eventType"] == "new"
    assert event["payload"]["chatId"] == "User1"


async def test_ack_as_it_is_shown():
    """The ack of event 23, a string, over several lines: it is taken (nothing
    comes again to the device) and there is no answer to it."""
    one = await server.connect("User1")
    two = await server.connect("User2", auto_ack=False)
    for i in range(23):
        await one.new("User2", f"number {i + 1}")
        event = await two.expect_event("new")
        if event["id"] != 23:
            await two.ack(event)
    assert event["id"] == 23
    await two.send(ACK)
    await two.barrier()
    assert len(two.texts) == 24
    await two.close()
    two = await server.connect("User2")
    await one.new("User2", "after")
    await two.expect_event("new", message="after")


async def test_payload_may_be_left_out_of_a_request():
    """`payload` has no question mark in the seed's table of requests, but not
    every request needs one: it is the request's own affair."""
    one, _ = await chat(1)
    assert (await one.ok("chats"))["chats"]


async def test_sequence_diagram():
    one, two = await chat(124)

    # "typing"
    await one.event("typing", {"chatId": "User2"})
    await two.expect_event("typing", chatId="User1", userId="User1")

    # message sending
    answer = await one.ok("new", {"chatId": "User2", "message": "Hi from User1!"})
    assert answer["messageId"] == 125
    new = await two.expect_event("new", chatId="User1", sender="User1", messageId=125,
                                 message="Hi from User1!")
    await two.ack(new, text=True)

    # "delivering"
    assert (await two.ok("dlvrd", {"chatId": "User1", "messageId": 125}))["messageId"] == 125
    event = await one.expect_event("dlvrd", chatId="User2", userId="User2", messageId=125)
    await one.ack(event, text=True)

    assert (await two.ok("read", {"chatId": "User1", "messageId": 125}))["messageId"] == 125
    event = await one.expect_event("read", chatId="User2", userId="User2", messageId=125)
    await one.ack(event, text=True)

    # deletion of a message sent to User2 (id: 2)
    answer = await one.ok("delete", {"chatId": "User2", "originalMessageId": 2})
    assert answer["messageId"] == 126
    event = await two.expect_event("delete", chatId="User1", sender="User1", messageId=126,
                                   originalMessageId=2)
    await two.ack(event, text=True)

    page = await two.ok("messages", {"chatId": "User1", "startId": 2, "count": 1})
    assert page["messages"][0]["deletedAt"] and "message" not in page["messages"][0]


@pytest.mark.parametrize("kind, payload", [
    ("edit", {"originalMessageId": 1, "originalClientMessageId": "c1", "message": "better"}),
    ("delete", {"originalMessageId": 1, "originalClientMessageId": "c1"}),
])
async def test_edit_and_deletion_payload(kind, payload):
    """EditPayload and DeletionPayload come back in the event and in the history."""
    one = await server.connect("User1")
    two = await server.connect("User2")
    await one.new("User2", "first", clientMessageId="c1")
    await two.expect_event("new")
    await one.ok(kind, {"chatId": "User2", **payload})
    await two.expect_event(kind, originalMessageId=1, originalClientMessageId="c1", messageId=2)
    page = await two.ok("messages", {"chatId": "User1"})
    service = page["messages"][1]
    assert service["type"] == kind
    assert service["payload"] == {"originalMessageId": 1, "originalClientMessageId": "c1"}


async def test_call_payloads():
    """A CallStoredPayload goes in; a CallPayload, as each reader sees it, comes out."""
    one = await server.connect("User1")
    two = await server.connect("User2")
    stored = {"callId": "call1", "caller": "User1", "participants": ["User1", "User2"],
              "callType": "video", "callDuration": 61}
    assert (await one.ok("call", {"chatId": "User2", **stored}))["messageId"] == 1
    await two.expect_event("call", chatId="User1", messageId=1, direction="incoming",
                           status="received", callType="video")
    for reader, peer, direction in ((one, "User2", "outgoing"), (two, "User1", "incoming")):
        message = (await reader.ok("messages", {"chatId": peer}))["messages"][0]
        assert message["type"] == "call"
        shown = message["payload"]
        assert (shown["direction"], shown["status"], shown["callType"]) == (
            direction, "received", "video")
