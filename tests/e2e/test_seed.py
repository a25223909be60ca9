# SPDX-License-Identifier: BSD-2-Clause
"""The description that the product grew from: the messages that it shows,
byte for byte. Its sequence diagram is tests/dialogues/seed.dialogue."""
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
