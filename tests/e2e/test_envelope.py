# SPDX-License-Identifier: BSD-2-Clause
"""What a client can get wrong in a frame or in the envelope (docs/protocol.md,
"Messages"). Each is answered with its code and the path of the field, has no
effect, and leaves the connection alive."""
import json
import struct

import pytest

from harness import DURABLE
from wire import BINARY, CLOSE, PING, PONG, TEXT, frame


def request(**changes):
    """A good request with fields replaced; a field given as ... is left out."""
    message = {"type": "request", "id": "r", "payloadType": "chats", "payload": {"count": 1}}
    message.update(changes)
    return json.dumps({key: value for key, value in message.items() if value is not ...})


def nested(depth):
    """A request whose JSON is `depth` deep, its envelope and payload included."""
    payload = '{"count":1,"x":' + "[" * (depth - 2) + "]" * (depth - 2) + "}"
    return '{"type":"request","id":"r","payloadType":"chats","payload":' + payload + "}"


BAD = {
    # name: (text, code, path, id of the response)
    "not JSON": ("hello", "bad_json", None, None),
    "empty": ("", "bad_json", None, None),
    "only blanks": ("  \n", "bad_json", None, None),
    "cut off": ('{"type":"request","id":"r"', "bad_json", None, ...),
    "after the brace": (request() + "x", "bad_json", None, ...),
    "two objects": (request() + request(), "bad_json", None, ...),
    "a NUL after the brace": (request() + "\0", "bad_json", None, ...),
    "trailing comma": ('{"type":"request","id":"r","payloadType":"chats",}', "bad_json", None, ...),
    "single quotes": ("{'type':'request'}", "bad_json", None, None),
    "comment": ('{"type":"request"/* */}', "bad_json", None, None),
    "bare word": ('{"type":request}', "bad_json", None, None),
    "NaN": ('{"type":"request","id":"r","payloadType":"chats","payload":{"x":NaN}}',
            "bad_json", None, ...),
    "leading zero": ('{"type":"request","id":"r","payloadType":"chats","payload":{"x":01}}',
                     "bad_json", None, ...),
    "leading plus": ('{"type":"request","id":"r","payloadType":"chats","payload":{"x":+1}}',
                     "bad_json", None, ...),
    "bad escape": (r'{"type":"request","id":"\q"}', "bad_json", None, None),
    "control character": ('{"type":"request","id":"a\nb"}', "bad_json", None, None),
    "depth 33": (nested(33), "bad_json", None, ...),
    "depth 10000": ("[" * 10000 + "]" * 10000, "bad_json", None, None),
    "array": ("[]", "bad_json", None, None),
    "string": ('"request"', "bad_json", None, None),
    "number": ("1", "bad_json", None, None),
    "null": ("null", "bad_json", None, None),

    "no type": (request(type=...), "bad_envelope", "type", "r"),
    "type is a number": (request(type=1), "bad_envelope", "type", "r"),
    "type is null": (request(type=None), "bad_envelope", "type", "r"),
    "unknown type": (request(type="reply"), "unknown_type", "type", "r"),
    "a server's type": (request(type="response"), "unknown_type", "type", "r"),

    "no id": (request(id=...), "bad_envelope", "id", None),
    "id is a number": (request(id=1), "bad_envelope", "id", None),
    "id is null": (request(id=None), "bad_envelope", "id", None),
    "id is an object": (request(id={}), "bad_envelope", "id", None),
    "id is empty": (request(id=""), "bad_envelope", "id", None),
    "id of 129 bytes": (request(id="i" * 129), "bad_envelope", "id", None),
    "id of 65 two-byte letters": (request(id="ä" * 65), "bad_envelope", "id", None),
    "NUL in the id": (request(id="a\0b"), "bad_envelope", "id", None),
    "line feed in the id": (request(id="a\nb"), "bad_envelope", "id", None),

    "no payloadType": (request(payloadType=...), "bad_envelope", "payloadType", "r"),
    "payloadType is a number": (request(payloadType=1), "bad_envelope", "payloadType", "r"),
    "payloadType is empty": (request(payloadType=""), "bad_envelope", "payloadType", "r"),
    "payloadType is unknown": (request(payloadType="nothing"), "unknown_payload_type", None, "r"),
    "payloadType of 65 bytes": (request(payloadType="p" * 65), "bad_envelope", "payloadType", "r"),
    "NUL in payloadType": (request(payloadType="new\0"), "bad_envelope", "payloadType",
                           "r"),
    "case of payloadType": (request(payloadType="Chats"), "unknown_payload_type", None, "r"),
    "a feature that is off": (request(payloadType="newCall"), "unknown_payload_type", None, "r"),

    "payload is an array": (request(payload=[]), "bad_payload", "payload", "r"),
    "payload is a string": (request(payload="x"), "bad_payload", "payload", "r"),
    "payload is null": (request(payload=None), "bad_payload", "payload", "r"),
    "timestamp is a string": (request(timestamp="now"), "bad_envelope", "timestamp", "r"),

    "event without payloadType": ('{"type":"event"}', "bad_envelope", "payloadType", None),
    "event with a number": ('{"type":"event","payloadType":1}', "bad_envelope", "payloadType",
                            None),
    "unknown event": ('{"type":"event","id":"e","payloadType":"dance"}', "unknown_payload_type",
                      None, "e"),
    "event with bad payload": ('{"type":"event","payloadType":"typing","payload":[]}',
                               "bad_payload", "payload", None),
    "ack without id": ('{"type":"ack"}', "bad_envelope", "id", None),
    "ack of an object": ('{"type":"ack","id":{}}', "bad_envelope", "id", None),
    "ack of null": ('{"type":"ack","id":null}', "bad_envelope", "id", None),
    "ack with a fraction": ('{"type":"ack","id":1.5}', "bad_envelope", "id", None),
    "ack below zero": ('{"type":"ack","id":-1}', "bad_envelope", "id", None),
    "ack beyond 2^53": ('{"type":"ack","id":9007199254740993}', "bad_envelope", "id", None),
    "ack with an exponent": ('{"type":"ack","id":1e0}', "bad_envelope", "id", None),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad(server, users, name):
    text, code, path, request_id = BAD[name]
    alice = await server.connect(users("alice"))
    await alice.send(text)
    await alice.until(lambda: alice.responses, "response")
    (got_id, (answer,)), = alice.responses.items()
    assert answer["error"]["code"] in ((code,) if isinstance(code, str) else code), answer
    assert isinstance(answer["error"]["message"], str) and answer["error"]["message"]
    assert "payload" not in answer and isinstance(answer["timestamp"], int)
    if path:
        assert answer["error"]["details"]["path"] == path, answer
    if request_id is not ...:
        assert got_id == request_id
    alice.responses.clear()
    assert (await alice.ok("chats"))["chats"] == []
    assert len(alice.texts) == 2


GOOD = {
    "depth 32": nested(32),
    "unknown fields": request(more={"a": [1]}, payload={"count": 1, "colour": "blue"}),
    "blanks": json.dumps(json.loads(request()), indent=8),
    "escaped names": request().replace('"type"', r'"\u0074ype"').replace('"chats"',
                                                                         r'"ch\u0061ts"'),
    "timestamp": request(timestamp=1700000000000),
    "timestamp with a fraction": request(timestamp=1700000000000.25),
    "timestamp of long ago": request(timestamp=-1),
    "no payload": request(payload=...),
    "a number beyond 2^53 that nobody asked for": request(more=2 ** 70),
    "a pair of surrogates": request(more="\U0001f600").replace("\U0001f600", r"\ud83d\ude00"),
}


@pytest.mark.parametrize("name", GOOD)
async def test_good(server, users, name):
    alice = await server.connect(users("alice"))
    await alice.send(GOOD[name])
    answer = await alice.response("r")
    assert "error" not in answer, answer


@pytest.mark.parametrize("request_id", [
    "x", " ", "i" * 128, "ä" * 64, "\U0001f600", 'quo"te', "back\\slash", "</script>", "\ufeff",
    "1", "null"])
async def test_request_id_comes_back_as_it_was(server, users, request_id):
    alice = await server.connect(users("alice"))
    await alice.ok("chats", {}, id=request_id)


async def test_duplicate_request(start_server):
    """An id in flight is refused; the first is still answered, and once only.
    Storing waits for the disk, so the second arrives while the first is in flight."""
    own = start_server(storage=DURABLE)
    alice = await own.connect("alice")
    text = json.dumps({"type": "request", "id": "same", "payloadType": "new",
                       "payload": {"chatId": "bob", "message": "once"}})
    raw = await own.raw("alice", device="raw")
    await raw.send(frame(TEXT, text.encode()) * 2)
    answers = [json.loads(await raw.frame_of(TEXT)) for _ in range(2)]
    while any(answer["type"] == "event" for answer in answers):
        answers = [a for a in answers if a["type"] != "event"]
        answers.append(json.loads(await raw.frame_of(TEXT)))
    codes = sorted(answer.get("error", {}).get("code", "ok") for answer in answers)
    assert codes == ["duplicate_request", "ok"]
    page = await alice.ok("messages", {"chatId": "bob"})
    assert [m["message"] for m in page["messages"]] == ["once"]
    # and afterwards the id is free again
    await raw.send(frame(TEXT, request(id="same").encode()))
    while True:
        answer = json.loads(await raw.frame_of(TEXT))
        if answer["type"] == "response":
            break
    assert answer["id"] == "same" and "error" not in answer


async def test_same_id_on_two_connections(server, users):
    name = users("alice")
    one = await server.connect(name, "one")
    two = await server.connect(name, "two")
    first = await one.begin("chats", {}, id="same")
    second = await two.begin("chats", {}, id="same")
    assert "error" not in await one.response(first)
    assert "error" not in await two.response(second)


@pytest.mark.parametrize("bad", ["nonsense", request(id=1), "[]"])
async def test_too_many_bad_messages(start_server, bad):
    """Each is answered, and the one that makes it max_bad_messages closes with 1008."""
    own = start_server(server={"max_bad_messages": 5})
    alice = await own.connect("alice")
    for _ in range(4):
        await alice.send(bad)
    await alice.ok("chats")
    await alice.send(bad)
    assert await alice.closed() == 1008
    assert len(alice.texts) == 6
    again = await own.connect("alice")
    await again.ok("chats")


async def test_text_ping(server, users):
    alice = await server.connect(users("alice"))
    await alice.send("ping")
    await alice.until(lambda: alice.others, "pong")
    assert alice.texts == ['{"event":"pong"}']


async def test_ping_frame(server, users):
    raw = await server.raw(users("alice"))
    await raw.send(frame(PING, b"are you there"))
    assert await raw.frame_of(PONG) == b"are you there"


async def test_unasked_pong_is_ignored(server, users):
    raw = await server.raw(users("alice"))
    await raw.send(frame(PONG, b"unasked") + frame(TEXT, request().encode()))
    assert json.loads(await raw.frame_of(TEXT))["id"] == "r"


FRAMES = {
    "binary": (frame(BINARY, b"x"), 1003),
    "binary in fragments": (frame(BINARY, b"x", fin=False), 1003),
    "bad UTF-8": (frame(TEXT, b"\xc3\x28"), 1007),
    "surrogate in UTF-8": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "overlong UTF-8": (frame(TEXT, b"\xc0\x80"), 1007),
    "beyond Unicode": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "UTF-8 cut off at the end": (frame(TEXT, b"abc\xe2\x82"), 1007),
    "bad UTF-8 in the second fragment": (frame(TEXT, b"ab", fin=False) + frame(0, b"\xff"), 1007),
    "not masked": (frame(TEXT, b"{}", mask=None), 1002),
    "reserved bit": (frame(TEXT, b"{}", rsv=4), 1002),
    "reserved opcode 3": (frame(3, b""), 1002),
    "reserved control opcode": (frame(11, b""), 1002),
    "continuation of nothing": (frame(0, b"x"), 1002),
    "text within a fragmented text": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    "fragmented ping": (frame(PING, b"a", fin=False), 1002),
    "ping of 126 bytes": (frame(PING, b"a" * 126), 1002),
    "length longer than it need be": (frame(TEXT, b"{}", length_form=16), 1002),
    "length of 64 bits longer than it need be": (frame(TEXT, b"{}", length_form=64), 1002),
    "length with the top bit": (bytes([0x81, 0xff]) + b"\xff" * 12, 1002),
    "close with one byte": (frame(CLOSE, b"x"), 1002),
    "close with code 1005": (frame(CLOSE, struct.pack(">H", 1005)), 1002),
    "close with code 999": (frame(CLOSE, struct.pack(">H", 999)), 1002),
    "close with a bad reason": (frame(CLOSE, struct.pack(">H", 1000) + b"\xff"), 1007),
    "too long": (frame(TEXT, b" " * 65537), 1009),
    "too long by its header": (bytes([0x81, 0xff]) + struct.pack(">Q", 1 << 40) + b"mask", 1009),
    "too long in fragments": (frame(TEXT, b" " * 40000, fin=False) + frame(0, b" " * 40000), 1009),
}


@pytest.mark.parametrize("name", FRAMES)
async def test_bad_frame(server, users, name):
    data, code = FRAMES[name]
    raw = await server.raw(users("alice"))
    await raw.send(data)
    assert await raw.close_code() == code
    (await server.connect(users("alice"))).assert_no_event()


async def test_longest_message(server, users):
    """max_message_size itself is allowed."""
    alice = await server.connect(users("alice"))
    text = request()
    await alice.send(text + " " * (65536 - len(text)))
    assert "error" not in await alice.response("r")


async def test_max_message_size_is_an_option(start_server):
    own = start_server(server={"max_message_size": "1k"})
    alice = await own.connect("alice")
    await alice.send(request() + " " * (1024 - len(request())))
    assert "error" not in await alice.response("r")
    await alice.send(" " * 1025)
    assert await alice.closed() == 1009


async def test_fragments(server, users):
    """A message byte by byte, with a ping between the fragments, in one TCP segment."""
    raw = await server.raw(users("alice"))
    text = request(id="ä\U0001f600").replace("\\u00e4", "ä").replace("\\ud83d\\ude00",
                                                                       "\U0001f600").encode()
    data = frame(TEXT, text[:1], fin=False)
    for i in range(1, len(text)):
        data += frame(0, text[i:i + 1], fin=i == len(text) - 1)
        if i == 7:
            data += frame(PING, b"between")
    await raw.send(data)
    assert await raw.frame_of(PONG) == b"between"
    assert json.loads(await raw.frame_of(TEXT))["id"] == "ä\U0001f600"


async def test_bytes_one_by_one(server, users):
    """The same frames whatever the segments: each byte in a write of its own."""
    raw = await server.raw(users("alice"))
    for byte in frame(TEXT, request().encode()):
        await raw.send(bytes([byte]))
    assert json.loads(await raw.frame_of(TEXT))["id"] == "r"


async def test_close_is_answered_with_its_code(server, users):
    for code in (1000, 1001, 3000, 4999):
        raw = await server.raw(users("alice"))
        await raw.send(frame(CLOSE, struct.pack(">H", code) + b"bye"))
        assert await raw.close_code() == code
    raw = await server.raw(users("alice"))
    await raw.send(frame(CLOSE))
    assert await raw.close_code() in (None, 1000)


async def test_nothing_counts_after_a_close_frame(server, users):
    alice, bob = users("alice", "bob")
    raw = await server.raw(alice)
    text = json.dumps({"type": "request", "id": "r", "payloadType": "new",
                       "payload": {"chatId": bob, "message": "too late"}}).encode()
    await raw.send(frame(CLOSE, struct.pack(">H", 1000)) + frame(TEXT, text))
    assert await raw.close_code() == 1000
    reader = await server.connect(bob)
    assert (await reader.ok("chats"))["chats"] == []
    reader.assert_no_event()


async def test_bad_acks_are_ignored(server, users):
    """Acks that name no event: no answer, no harm. They are no bad messages."""
    alice = await server.connect(users("alice"))
    for number in (0, 1, 10 ** 15, 2 ** 53, "0", "x", "", "1x", "-1", "99999999999999999999999",
                   " 1"):
        await alice.send({"type": "ack", "id": number})
    await alice.barrier()
    assert len(alice.texts) == 1
