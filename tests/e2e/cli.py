# SPDX-License-Identifier: BSD-2-Clause
"""parlance-cli as a process: with pipes (Cli), or in a terminal (Terminal).
None outlives its test: each stands among the test's connections."""
import asyncio
import json
import os
import pty
import signal

from harness import SANITIZER, parlance_cli, within
from wire import connections


async def kill(process):
    if process.returncode is None:
        process.kill()
        await process.wait()


class Cli:
    """One run. Its output is read line by line; `status` waits for its end."""

    def __init__(self, url, *args):
        self.args = [parlance_cli(), args[0], "--url", url, *args[1:]]

    async def start(self, lines=None):
        """`lines` become its stdin, then it ends; without them there is none."""
        self.process = await asyncio.create_subprocess_exec(
            *self.args, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, limit=1 << 24)
        connections.append(self)
        self.said = b""
        self.news = asyncio.Event()
        self.listener = asyncio.ensure_future(self.listen())
        self.feeder = asyncio.ensure_future(self.feed(lines or []))
        return self

    async def feed(self, lines):
        try:
            for line in lines:
                self.process.stdin.write(line.encode() + b"\n")
                await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.process.stdin.close()

    async def kill(self):
        await kill(self.process)
        self.listener.cancel()
        self.feeder.cancel()

    async def listen(self):
        async for line in self.process.stderr:
            self.said += line
            self.news.set()

    async def until_said(self, text):
        """Waits for the text on stderr."""
        while text not in self.errors():
            self.news.clear()
            await within(self.news.wait())

    async def line(self):
        """The next line of its output, "" at the end."""
        return (await within(self.process.stdout.readline())).decode()

    async def json(self):
        return json.loads(await self.line())

    async def rest(self):
        return (await within(self.process.stdout.read())).decode()

    async def status(self):
        status = await within(self.process.wait())
        await within(self.listener)
        await within(self.feeder)
        assert not SANITIZER.search(self.errors()), self.errors()
        return status

    def errors(self):
        return self.said.decode()

    async def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return await self.status()


async def run(url, *args, lines=None):
    """A run to its end: (status, stdout, stderr)."""
    cli = await Cli(url, *args).start(lines)
    out = await cli.rest()
    return await cli.status(), out, cli.errors()


class Terminal:
    """One run with a terminal for everything."""

    def __init__(self, url, *args):
        self.args = [parlance_cli(), args[0], "--url", url, *args[1:]]
        self.shown = b""
        self.news = asyncio.Event()

    async def start(self):
        self.master, slave = pty.openpty()
        self.process = await asyncio.create_subprocess_exec(
            *self.args, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        connections.append(self)
        asyncio.get_running_loop().add_reader(self.master, self.read)
        return self

    def read(self):
        try:
            self.shown += os.read(self.master, 65536)
        except OSError:  # it closed its side
            asyncio.get_running_loop().remove_reader(self.master)
        self.news.set()

    def type(self, text):
        os.write(self.master, text.encode())

    async def until(self, text):
        """Waits for the text and forgets all up to it."""
        text = text.encode()

        async def wait():
            while text not in self.shown:
                self.news.clear()
                await self.news.wait()

        try:
            await within(wait())
        except asyncio.TimeoutError:
            raise AssertionError(f"no {text!r} in {self.shown!r}") from None
        before, self.shown = self.shown.split(text, 1)
        return before

    async def end(self):
        self.type("\x04")  # Ctrl-D
        return await within(self.process.wait())

    async def kill(self):
        await kill(self.process)
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
