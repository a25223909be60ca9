# SPDX-License-Identifier: BSD-2-Clause
"""Frames and handshakes byte by byte, for what no proper client would send."""
import asyncio
import os
import socket
import struct
import urllib.parse

FACTOR = float(os.environ.get("PARLANCE_TEST_TIME_FACTOR", "1"))
DEADLINE = 15 * FACTOR  # only a broken server reaches it

connections = []  # of the running test, so that none outlives it

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, mask=b"\x11\x22\x33\x44", rsv=0, length_form=None):
    """The bytes of one frame; mask None sends it unmasked, length_form forces 7, 16 or 64."""
    head = bytearray([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    size = len(payload)
    form = length_form or (7 if size < 126 else 16 if size < 65536 else 64)
    if form == 7:
        head.append(bit | size)
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    if not mask:
        return bytes(head) + payload
    key = mask * (size // 4 + 1)
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key[:size], "big"))
    return bytes(head) + mask + masked.to_bytes(size, "big")


HANDSHAKE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3


def handshake_text(target="/ws", port=1, drop=(), **headers):
    """A good opening handshake; headers replace or add (underscores for dashes)."""
    fields = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
              "Sec-WebSocket-Key": HANDSHAKE_KEY, "Sec-WebSocket-Version": "13"}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [f"GET {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if name not in drop]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Raw:
    """A TCP connection to the WebSocket port."""

    def __init__(self, port):
        self.port = port

    async def open(self):
        self.input, self.output = await asyncio.wait_for(
            asyncio.open_connection("127.0.0.1", self.port), DEADLINE)
        connections.append(self)
        return self

    async def send(self, data):
        self.output.write(data)
        try:
            await asyncio.wait_for(self.output.drain(), DEADLINE)
        except ConnectionError:
            pass  # what the server said before it closed is still to be read

    async def answer(self):
        """One HTTP answer: (status, headers, body). The body goes to the end of
        the connection, but for a 101."""
        head = await asyncio.wait_for(self.input.readuntil(b"\r\n\r\n"), DEADLINE)
        lines = head.decode().split("\r\n")
        assert lines[0].startswith("HTTP/1.1 "), lines[0]
        status = int(lines[0].split()[1])
        headers = {}
        for line in lines[1:-2]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        body = b"" if status == 101 else await self.rest()
        return status, headers, body.decode()

    async def handshake(self, url):
        parts = urllib.parse.urlsplit(url)
        target = parts.path + ("?" + parts.query if parts.query else "")
        await self.send(handshake_text(target, self.port))
        status, headers, _ = await self.answer()
        assert status == 101, status
        assert headers["sec-websocket-accept"] == HANDSHAKE_ACCEPT

    async def frame(self):
        """The next frame: (opcode, fin, payload)."""
        async def read():
            first, second = await self.input.readexactly(2)
            assert not second & 0x80, "a server must not mask"
            size = second & 0x7f
            if size == 126:
                size, = struct.unpack(">H", await self.input.readexactly(2))
            elif size == 127:
                size, = struct.unpack(">Q", await self.input.readexactly(8))
            return first & 0x0f, bool(first & 0x80), await self.input.readexactly(size)
        return await asyncio.wait_for(read(), DEADLINE)

    async def frame_of(self, opcode):
        """The next frame of this kind; others are passed over."""
        while True:
            kind, _, payload = await self.frame()
            if kind == opcode:
                return payload

    async def close_code(self):
        """Reads up to the close frame, ends our side, and sees the server end the
        connection; returns the code."""
        payload = await self.frame_of(CLOSE)
        code = struct.unpack(">H", payload[:2])[0] if payload else None
        self.output.write_eof()
        await self.rest()
        return code

    async def rest(self):
        """Everything up to the end of the connection."""
        try:
            return await asyncio.wait_for(self.input.read(), DEADLINE)
        except ConnectionError:
            return b""

    async def kill(self):
        """Resets the connection."""
        sock = self.output.get_extra_info("socket")
        if sock is not None and not self.output.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.output.close()
