# SPDX-License-Identifier: BSD-2-Clause
"""The opening handshake (docs/protocol.md, "Connection"): what is accepted, and
every way in which it is refused before any WebSocket exists."""
import json
import os

import pytest
import websockets

from harness import within
from wire import HANDSHAKE_ACCEPT, HANDSHAKE_KEY, PING, Raw, TEXT, frame, handshake_text

HELLO = frame(TEXT, b'{"type":"request","id":"r","payloadType":"chats"}')


async def answer_to(server, data):
    raw = await server.raw()
    await raw.send(data)
    return await raw.answer()


@pytest.mark.parametrize("path", ["/ws", "/", "/websocket"])
async def test_paths(server, users, path):
    status, headers, _ = await answer_to(server,
                                         handshake_text(f"{path}?user={users('alice')}"))
    assert status == 101
    assert headers["sec-websocket-accept"] == HANDSHAKE_ACCEPT
    assert headers["upgrade"].lower() == "websocket"
    assert headers["connection"].lower() == "upgrade"
    assert "sec-websocket-protocol" not in headers
    assert "sec-websocket-extensions" not in headers


GOOD = {
    "Connection with keep-alive": {"Connection": "keep-alive, Upgrade"},
    "case of the tokens": {"Connection": "uPGRADE", "Upgrade": "WebSocket"},
    "an extension that we have not": {"Sec_WebSocket_Extensions": "permessage-nothing; x=1"},
    "other headers": {"Origin": "https://example.org", "User-Agent": "x", "Cookie": "a=b"},
    "forty more headers": {f"X-{i}": "x" for i in range(40)},
    "another subprotocol": {"Sec_WebSocket_Protocol": "chat, superchat"},
}


@pytest.mark.parametrize("name", GOOD)
async def test_good(server, users, name):
    text = handshake_text(f"/ws?user={users('alice')}", **GOOD[name])
    status, headers, _ = await answer_to(server, text)
    assert status == 101
    assert "sec-websocket-protocol" not in headers


LONG = "x" * 9000
BAD = {
    # name: (request, status)
    "plain GET": (b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", 426),
    "plain GET of another path": (b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n", (404, 426)),
    "another path": (handshake_text("/other?user=a"), 404),
    "path that only begins so": (handshake_text("/wsx?user=a"), 404),
    "another version": (handshake_text("/ws?user=a", Sec_WebSocket_Version="8"), 426),
    "no version": (handshake_text("/ws?user=a", drop=("Sec-WebSocket-Version",)), (400, 426)),
    "POST": (handshake_text("/ws?user=a").replace(b"GET", b"POST"), 405),
    "HTTP/1.0": (handshake_text("/ws?user=a").replace(b"HTTP/1.1", b"HTTP/1.0"), (400, 505)),
    "HTTP/2.0": (handshake_text("/ws?user=a").replace(b"HTTP/1.1", b"HTTP/2.0"), (400, 505)),
    "no key": (handshake_text("/ws?user=a", drop=("Sec-WebSocket-Key",)), 400),
    "key that is no base64": (handshake_text("/ws?user=a", Sec_WebSocket_Key="!" * 24), 400),
    "key of 15 bytes": (handshake_text("/ws?user=a", Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAA"),
                        400),
    "two keys": (handshake_text("/ws?user=a").replace(
        b"Upgrade: websocket", b"Upgrade: websocket\r\nSec-WebSocket-Key: " +
        HANDSHAKE_KEY.encode()), 400),
    "no host": (handshake_text("/ws?user=a", drop=("Host",)), 400),
    "two hosts": (handshake_text("/ws?user=a").replace(b"Host", b"Host: y\r\nHost", 1), 400),
    "a body": (handshake_text("/ws?user=a", Content_Length="4") + b"body", 400),
    "a chunked body": (handshake_text("/ws?user=a", Transfer_Encoding="chunked"), 400),
    "folded header": (handshake_text("/ws?user=a").replace(b"Upgrade: websocket",
                                                           b"Upgrade:\r\n websocket"), 400),
    "blank before the colon": (handshake_text("/ws?user=a").replace(b"Host:", b"Host :"), 400),
    "bare line feeds": (handshake_text("/ws?user=a").replace(b"\r\n", b"\n") + b"\r\n\r\n", 400),
    "control character": (handshake_text("/ws?user=a", Origin="a\x01b"), 400),
    "NUL": (handshake_text("/ws?user=a", Origin="a\0b"), 400),
    "header without a colon": (handshake_text("/ws?user=a").replace(b"Host:", b"Host"), 400),
    "no target": (b"GET HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not HTTP\r\n\r\n", 400),
    "too long": (handshake_text("/ws?user=a", Cookie=LONG), (414, 431)),
    "target too long": (handshake_text("/ws?user=" + LONG), (414, 431)),
    "too many headers": (handshake_text("/ws?user=a", **{f"X-{i}": "x" for i in range(80)}), 431),
    "percent and no digits": (handshake_text("/ws?user=%zz"), 400),
    "percent at the end": (handshake_text("/ws?user=a%2"), 400),
    "user that is no UTF-8": (handshake_text("/ws?user=%ff"), 400),
    "user with a NUL": (handshake_text("/ws?user=a%00b"), 400),
    "user with a line feed": (handshake_text("/ws?user=a%0ab"), 400),
    "device with a NUL": (handshake_text("/ws?user=a&device=%00"), 400),

    "no user": (handshake_text("/ws"), 401),
    "empty user": (handshake_text("/ws?user="), 401),
    "user of 129 bytes": (handshake_text("/ws?user=" + "u" * 129), 401),
    "user that is a group": (handshake_text("/ws?user=grp_a"), 401),
}


@pytest.mark.parametrize("name", BAD)
async def test_refused(server, name):
    """The status, and a JSON body that says in words what was wrong."""
    data, statuses = BAD[name]
    status, headers, body = await answer_to(server, data)
    assert status in ((statuses,) if isinstance(statuses, int) else statuses), (status, body)
    error = json.loads(body)["error"]
    assert error["code"] and error["message"]
    assert headers["content-type"].startswith("application/json")
    assert int(headers["content-length"]) == len(body)
    assert headers["connection"].lower() in ("close", "upgrade, close")
    if status == 426:
        assert headers["sec-websocket-version"] == "13"
        assert headers["upgrade"].lower() == "websocket"
    if status == 401:
        assert headers["www-authenticate"].startswith("Bearer")


async def test_a_real_client_sees_the_status(server):
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        await within(websockets.connect(server.url()))
    assert refused.value.status_code == 401


@pytest.mark.parametrize("user", ["u" * 128, "ä" * 64, "Jos\u00e9 Mar\u00eda", "a+b&c=d#e%", "grp",
                                  "\U0001f600", "a@example.org", "1"])
async def test_user_ids(server, user):
    alice = await server.connect(user)
    bob = await server.connect("reader of " + user[:50])
    await alice.new("reader of " + user[:50], "hello")
    await bob.expect_event("new", chatId=user, sender=user)


async def test_subprotocol(server, users):
    alice = await server.connect(users("alice"), subprotocols=["other", "parlance.v1"])
    assert alice.ws.subprotocol == "parlance.v1"
    await alice.ok("chats")


async def test_bearer_subprotocol_is_never_echoed(server, users):
    text = handshake_text(f"/ws?user={users('alice')}",
                          Sec_WebSocket_Protocol="bearer.secret-token, parlance.v1")
    status, headers, _ = await answer_to(server, text)
    assert status == 101
    assert headers["sec-websocket-protocol"] == "parlance.v1"
    status, headers, _ = await answer_to(server, handshake_text(
        f"/ws?user={users('alice')}&access_token=secret-token",
        Sec_WebSocket_Protocol="bearer.secret-token", Authorization="Bearer secret-token"))
    assert status == 101 and "sec-websocket-protocol" not in headers
    assert "secret-token" not in server.log()


async def test_compression_offered_is_not_forced(server, users):
    """A client that offers permessage-deflate is served, compressed or not."""
    alice = await server.connect(users("alice"), compression="deflate")
    await alice.ok("chats")


async def test_device(server, users):
    """Each device has its own queue; without a name it is `default`."""
    alice, bob = users("alice", "bob")
    phone = await server.connect(bob, "phone")
    laptop = await server.connect(bob, "laptop")
    sender = await server.connect(alice)
    await sender.new(bob, "to both")
    await phone.expect_event("new", message="to both")
    await laptop.expect_event("new", message="to both")

    first = await server.connect(alice, "default", auto_ack=False)
    second = await server.connect(alice, auto_ack=False)
    await phone.new(alice, "hello")
    for client in (first, second):
        types = {(await client.expect_event())["eventType"] for _ in range(2)}
        assert types == {"new", "read"}


@pytest.mark.parametrize("device, status", [("d" * 128, 101), ("d" * 129, 400), ("", 400),
                                            ("%C3%A4", 101), ("%0a", 400)])
async def test_device_names(server, users, device, status):
    text = handshake_text(f"/ws?user={users('alice')}&device={device}")
    assert (await answer_to(server, text))[0] == status


async def test_frames_right_behind_the_handshake(server, users):
    """In the same segment as the handshake, before the server has said anything."""
    raw = await server.raw()
    await raw.send(handshake_text(f"/ws?user={users('alice')}") + frame(PING, b"x") + HELLO)
    assert (await raw.answer())[0] == 101
    assert json.loads(await raw.frame_of(TEXT))["id"] == "r"


async def test_byte_by_byte(server, users):
    raw = await server.raw()
    for byte in handshake_text(f"/ws?user={users('alice')}"):
        await raw.send(bytes([byte]))
    assert (await raw.answer())[0] == 101
    await raw.send(HELLO)
    assert json.loads(await raw.frame_of(TEXT))["id"] == "r"


async def test_slow_handshake(start_server):
    """Who does not finish it in handshake_timeout is let go; others are not."""
    own = start_server(server={"handshake_timeout": "300ms"})
    alice = await own.connect("alice")
    silent, slow = await own.raw(), await own.raw()
    await slow.send(b"GET /ws?user=bob HTTP/1.1\r\nHost: x\r\n")
    await silent.rest()
    await slow.rest()
    await alice.ok("chats")


async def test_a_client_that_leaves_in_the_middle(server, users):
    for data in (b"", b"GET /w", handshake_text("/ws?user=gone")):
        raw = await server.raw()
        await raw.send(data)
        await raw.kill()
    await (await server.connect(users("alice"))).ok("chats")


async def test_max_connections(start_server):
    """One too many waits, and is served when there is room; those who are in
    notice nothing."""
    own = start_server(server={"max_connections": 3})
    clients = [await own.connect("alice", str(i)) for i in range(3)]
    late = await own.raw()
    await late.send(handshake_text("/ws?user=late"))
    own.wait_log("max_connections")
    await clients[0].ok("chats")
    await clients[1].close()
    assert (await late.answer())[0] == 101
    await clients[2].ok("chats")


async def test_out_of_file_descriptors(start_server):
    """With no descriptor left the server waits and goes on when there is one;
    those who are connected notice nothing."""
    own = start_server()
    alice = await own.connect("alice")
    used = len(os.listdir(f"/proc/{own.process.pid}/fd"))
    import resource
    resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (used + 4, used + 4))
    waiting = [await Raw(own.ws_port).open() for _ in range(12)]
    await alice.ok("chats")
    for raw in waiting[:11]:
        await raw.kill()
    await waiting[11].send(handshake_text("/ws?user=last"))
    assert (await waiting[11].answer())[0] == 101


async def test_idle_connection_is_pinged_and_let_go(start_server):
    """The busy one, which is older, answers pings by itself, and lives."""
    own = start_server(server={"ping_interval": "100ms", "idle_timeout": "500ms"})
    busy = await own.connect("busy")
    silent = await own.raw("silent")
    assert await silent.frame_of(PING) is not None
    assert await silent.close_code() == 1001
    await busy.ok("chats")
