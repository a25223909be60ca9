# SPDX-License-Identifier: BSD-2-Clause
"""A network that is as bad as a test needs it, between parlanced and PostgreSQL: TCP
on a port of the kernel's choosing, passed on to a Unix socket. It runs on a
thread of its own, so a test may block.

    proxy = Proxy(cluster.folder)
    proxy.drop()                # from now on nothing comes through, and nobody is told
    proxy.drop(proxy.ANSWERS)   # the same, in one direction
    proxy.heal()                # what was on its way arrives, as with TCP
    proxy.forget()              # ... or never does: whoever is connected stays unheard
    proxy.refuse(), proxy.heal()
    proxy.reset()               # all connections end with RST; new ones are welcome
    proxy.reset(told=False)     # the same, but PostgreSQL hears nothing of it
    cut = proxy.cut("before")   # at the next COMMIT: before, during or after it
    cut.wait()
    proxy.close()
"""
import asyncio
import os
import socket
import struct
import threading

from wire import DEADLINE

COMMIT = b"\0ST_COMMIT\0"  # in the Bind of the prepared statement
COMMITTED = b"COMMIT\0"  # in PostgreSQL's answer to it
BIND = 5  # bytes of a Bind in front of COMMIT: its type and its length


class Cut(threading.Event):
    """Set when the network was cut where it was to be cut."""

    def wait(self, timeout=DEADLINE):
        assert super().wait(timeout), "nothing was committed through this proxy"


class Link:
    """One connection, and the one that it is passed on to."""

    def __init__(self, sock):
        self.ends = [sock]
        self.forgotten = False
        self.told = True
        self.task = None

    def reset(self):
        """Returns what is still open."""
        self.ends[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.ends.pop(0).close()
        while self.told and self.ends:
            self.ends.pop().close()
        return self.ends


class Proxy:
    QUESTIONS, ANSWERS = range(2)  # the directions
    BOTH = (QUESTIONS, ANSWERS)

    def __init__(self, folder):
        self.target = os.path.join(folder, ".s.PGSQL.5432")
        self.accepted = 0  # connections so far
        self.held = 0  # pieces of news that did not come through at once, so far
        self.links = []
        self.left = []  # sockets to PostgreSQL that nobody uses
        self.where, self.cut_event = None, None
        self.fillers = []
        self.loop = asyncio.new_event_loop()
        self.ways = [asyncio.Event(), asyncio.Event()]
        self.listener = self.port = self.accepting = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        self.call(self.listen)
        self.call(self.open, self.BOTH)

    # --- for tests, on any thread

    def conninfo(self, words):
        """The conninfo of a cluster, by way of this proxy. Without Kerberos, whose libraries
        keep a little memory for ever, which LeakSanitizer tells."""
        words = [word for word in words.split() if not word.startswith("host=")]
        return " ".join([f"host=127.0.0.1 port={self.port} gssencmode=disable", *words])

    def drop(self, *directions):
        self.call(self.shut, directions or self.BOTH)

    def drop_new(self):
        """Nobody who comes now is answered, not even by the kernel; who is there goes on."""
        self.call(self.fill)

    def heal(self):
        self.call(self.mend)

    def forget(self):
        self.call(self.abandon)

    def refuse(self):
        self.call(self.deny)

    def reset(self, told=True):
        self.call(self.end_links, told)

    def cut(self, where):
        return self.call(self.set_cut, where)

    def close(self):
        if self.thread.is_alive():
            self.call(self.deny)
            for sock in self.left:
                sock.close()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(DEADLINE)
            self.loop.close()

    # --- on its own thread

    def call(self, function, *arguments):
        async def calling():
            value = function(*arguments)
            return await value if asyncio.iscoroutine(value) else value

        return asyncio.run_coroutine_threadsafe(calling(), self.loop).result(DEADLINE)

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def listen(self):
        if self.listener is not None:
            return
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port or 0))
        self.listener.listen(100)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.accepting = self.loop.create_task(self.accept())

    def open(self, directions):
        for direction in directions:
            self.ways[direction].set()

    def shut(self, directions):
        for direction in directions:
            self.ways[direction].clear()

    async def fill(self):
        """A queue of connections that is full, and not taken from: Linux drops who comes then."""
        await ended(self.accepting)
        self.listener.listen(0)
        for _ in range(2):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(sock)

    async def mend(self):
        if self.fillers:
            for sock in self.fillers:
                sock.close()
            self.fillers = []
            await self.no_listener()
        self.listen()
        self.open(self.BOTH)

    async def abandon(self):
        for link in self.links:
            link.forgotten = True
        await self.mend()

    async def no_listener(self):
        if self.listener is not None:
            await ended(self.accepting)
            self.listener.close()
            self.listener = None

    async def deny(self):
        await self.no_listener()
        await self.end_links()

    async def end_links(self, told=True):
        for link in self.links:
            link.told = told
        await ended(*[link.task for link in self.links])
        while self.links:  # of a task that had not begun yet
            self.links.pop().reset()

    def set_cut(self, where):
        assert where in ("before", "during", "after")
        self.where, self.cut_event = where, Cut()
        return self.cut_event

    async def accept(self):
        while True:
            sock, _ = await self.loop.sock_accept(self.listener)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            link = Link(sock)
            self.links.append(link)
            link.task = self.loop.create_task(self.serve(link))

    async def serve(self, link):
        ways = []
        try:
            await self.ways[self.QUESTIONS].wait()
            target = socket.socket(socket.AF_UNIX)
            link.ends.append(target)
            target.setblocking(False)
            await self.loop.sock_connect(target, self.target)
            ways = [self.loop.create_task(self.pass_on(link, way)) for way in self.BOTH]
            await asyncio.gather(*ways)
        except OSError:
            pass  # one of the two ended it; the other is told
        finally:
            await ended(*ways)
            self.left += link.reset()
            self.links.remove(link)

    async def pass_on(self, link, direction):
        """Up to the end, which is news like any other, and dropped with the rest."""
        source, target = link.ends if direction == self.QUESTIONS else link.ends[::-1]
        while True:
            data = await self.loop.sock_recv(source, 65536)
            await self.passage(link, direction)
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            if self.where is not None:
                data = await self.look(link, direction, data, target)
            await self.loop.sock_sendall(target, data)

    async def passage(self, link, direction):
        self.held += not self.ways[direction].is_set()
        await self.ways[direction].wait()
        if link.forgotten:
            await self.loop.create_future()  # for ever

    async def look(self, link, direction, data, target):
        """Cuts where a cut is wanted; returns what is left to be passed on now."""
        where = self.where
        at = data.find(COMMIT if direction == self.QUESTIONS else COMMITTED)
        if at < 0 or (where == "after") != (direction == self.ANSWERS):
            return data
        self.where = None
        if where == "before":
            await self.loop.sock_sendall(target, data[:at - BIND])
            data = data[at - BIND:]
        self.shut(self.BOTH)
        if where == "before":
            self.cut_event.set()
            await self.passage(link, direction)
        else:
            await self.loop.sock_sendall(target, data)
            data = b""
            self.cut_event.set()
        return data


async def ended(*tasks):
    """Ends them. Only when they have ended may their sockets be closed: a new one may get
    the number of one that is closed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
