# SPDX-License-Identifier: BSD-2-Clause
"""Storages in trouble, with a crowd at work: a disk that is full, a database that
another process holds, a storage that is slow, that is down, that fails one
transaction of a batch, or that does not know what became of one. Nothing that
was answered is lost or doubled, and when the trouble is over the same server
goes on by itself. tests/zoo/zoo_faulty.c makes the troubles that SQLite does not."""
import contextlib
import os
import resource
import sqlite3
import subprocess
import sys

import pytest

from crowd import Crowd
from harness import eventually, in_thread, real_plugins

pytestmark = pytest.mark.storage("sqlite")
few = pytest.mark.parametrize("rounds", [2, pytest.param(25, marks=pytest.mark.long)])


# ------------------------------------------------------------------- SQLite

def database(server):
    return os.path.join(server.directory, "parlance.db")


@few
async def test_file_cannot_grow(start_server, rounds):
    """A quota, here of the process alone. It is below what the files are long already: SQLite
    goes back to the begin of its log now and then, and would not notice one above."""
    own = start_server(storage="sqlite")
    limits = resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE)
    crowd = Crowd(own)
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.trouble(
                begin=lambda: resource.prlimit(
                    own.process.pid, resource.RLIMIT_FSIZE, (20000, limits[1])),
                end=lambda: resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, limits))
    await crowd.check()


def can_mount():
    try:
        return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0
    except FileNotFoundError:
        return False


CUT_LOG = """import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=15)
sys.exit(database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])"""


@few
@pytest.mark.skipif(not can_mount(), reason="this user may not mount a tmpfs of his own (unshare -rm)")
async def test_disk_full(make_server, rounds):
    """A small disk of the server's own, that somebody else fills. Where SQLite's log has been
    once it could be written without more room, for thousands of messages if it has become
    long: so it is cut to nothing first."""
    own = make_server(storage="sqlite")
    disk = os.path.join(own.directory, "disk")
    os.mkdir(disk)
    own.config["plugins"]["storage_sqlite"]["path"] = os.path.join(disk, "parlance.db")
    own.prefix = ["unshare", "-rm", "sh", "-c",
                  'mount -t tmpfs -o size=32m none "$0" && exec "$@"', disk]
    own.start()
    filler = f"/proc/{own.process.pid}/root{disk}/filler"

    def fill():
        subprocess.run(["nsenter", "-t", str(own.process.pid), "-U", "-m", "--preserve-credentials",
                        sys.executable, "-c", CUT_LOG, os.path.join(disk, "parlance.db")], check=True)
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    crowd = Crowd(own)
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.trouble(begin=fill, end=lambda: os.unlink(filler))
    await crowd.check()


@contextlib.contextmanager
def locked(server):
    """Another process's lock; SQLite knows it by the descriptor, so ours is as good."""
    other = sqlite3.connect(database(server), isolation_level=None, timeout=15,
                            check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


@few
async def test_locked(start_server, rounds):
    own = start_server(storage="sqlite", plugins={"storage_sqlite": {"busy_timeout": "50ms"}})
    crowd = Crowd(own)
    held = contextlib.ExitStack()
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.trouble(begin=lambda: held.enter_context(locked(own)),
                                end=held.close)
    await crowd.check()


async def test_locked_for_long(start_server):
    """Once it is known that SQLite is locked nobody waits for it again: a hundred
    requests, one after the other, would else take longer than this test may. What needs no
    storage goes on."""
    own = start_server(storage="sqlite", server={"request_timeout": "1m"},
                       plugins={"storage_sqlite": {"busy_timeout": "2s"},
                                "typing": {"typing_interval": "0"}})
    alice, bob = await own.connect("alice"), await own.connect("bob")
    for client in alice, bob:
        await client.barrier()  # its device is on record, so it has not to wait for that later
    with locked(own):
        await alice.fails("unavailable", "new", {"chatId": "bob", "message": "lost"})
        status, why = own.get("/readyz")
        assert status == 503 and "locked" in why
        for number in range(100):
            await alice.fails("unavailable", "new", {"chatId": "bob", "message": str(number)})
        for _ in range(5):
            await alice.event("typing", {"chatId": "bob"})
            await bob.expect_event("typing", chatId="alice")
            await alice.event("typing", {"chatId": "bob", "stop": True})
            await bob.expect_event("typing", chatId="alice", stop=True)
    await eventually(lambda: own.get("/readyz")[0] == 200, "ready again")
    await alice.new("bob", "stored")
    await bob.expect_event("new", messageId=1, message="stored")


async def test_acks_while_locked(start_server):
    """They are kept until they can be written, also those of a device that left."""
    own = start_server(storage="sqlite", plugins={"storage_sqlite": {"busy_timeout": "10ms"}},
                       server={"cursor_interval": "10ms"})
    alice = await own.connect("alice")
    stays = await own.connect("bob", "stays", auto_ack=False)
    leaves = await own.connect("bob", "leaves", auto_ack=False)
    for number in range(10):
        await alice.new("bob", str(number))
    for device in (stays, leaves):
        await device.until(lambda d=device: len(d.events) == 10, "all events")
    with locked(own):
        await alice.fails("unavailable", "new", {"chatId": "bob", "message": "lost"})
        for device in (stays, leaves):
            for event in device.events[:4] + device.events[6:8]:
                await device.ack(event)
            await device.barrier()
        await leaves.close()
        await eventually(lambda: own.metric("parlance_sessions") == 2, "session gone")
        await alice.fails("unavailable", "new", {"chatId": "bob", "message": "lost"})
    await eventually(lambda: own.get("/readyz")[0] == 200, "ready again")
    await stays.close()
    for name in ("stays", "leaves"):
        device = await own.connect("bob", name)
        for number in (4, 5, 8, 9):
            event = await device.expect_event("new", message=str(number))
            assert event["redelivered"] is True
    await alice.new("bob", "last")
    await device.expect_event("new", message="last")


# ------------------------------------------------------------ a faulty storage

class Faulty:
    """A server whose storage does what it is told."""

    def __init__(self, start_server, directory, server=None):
        self.control = os.path.join(directory, "control")
        self.server = start_server(
            directory=directory, zoo=["zoo_faulty"], server=server,
            storage="sqlite", plugins={"storage_sqlite": None, "zoo_faulty": {
                "real": real_plugins()["storage_sqlite"], "control": self.control,
                "path": os.path.join(directory, "parlance.db")}})

    def tell(self, what=""):
        with open(self.control + ".new", "w", encoding="utf-8") as file:
            file.write(what)
        os.replace(self.control + ".new", self.control)


@pytest.fixture
def faulty(start_server, tmp_path):
    return lambda **options: Faulty(start_server, str(tmp_path), **options)


@few
@pytest.mark.parametrize("what", ["down", "unsure"])
async def test_storage_in_trouble_under_load(faulty, what, rounds):
    """`down`: also nothing can be read. `unsure`: everything that was answered
    `unavailable` stands, and is told to everybody it concerns."""
    storage = faulty()
    crowd = Crowd(storage.server)
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.answers(60)
            storage.tell(what)
            await crowd.answers(60, "unavailable")
            storage.tell()
            await crowd.answers(60)
    await crowd.check()


@few
async def test_storage_that_takes_seconds(faulty, rounds):
    """Longer than a request may take: everything is answered `timeout`, and is
    there all the same when it is asked for again."""
    storage = faulty(server={"request_timeout": "100ms"})
    crowd = Crowd(storage.server)
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.answers(60)
            storage.tell("slow 400")
            await crowd.answers(40, "timeout")
            storage.tell("hold")
            await crowd.answers(40, "timeout")
            storage.tell()
            await crowd.answers(60)
    await crowd.check()


async def test_slow_storage(faulty):
    """Slow, but within what a request may take: nothing is refused."""
    storage = faulty()
    crowd = Crowd(storage.server)
    async with crowd.at_work():
        storage.tell("slow 40")
        await crowd.answers(200)
    storage.tell()
    assert set(crowd.counts) == {"answers"}
    await crowd.check()


async def test_typing_while_the_storage_hangs(faulty):
    storage = faulty()
    alice, bob = await storage.server.connect("alice"), await storage.server.connect("bob")
    storage.tell("hold")
    waiting = await alice.begin("new", {"chatId": "bob", "message": "waits"})
    await alice.event("typing", {"chatId": "bob"})
    await bob.expect_event("typing", chatId="alice")
    storage.tell()
    assert "payload" in await alice.response(waiting)
    await bob.expect_event("new", message="waits")


@pytest.mark.parametrize("text, code", [("fail me", "unavailable"), ("break me", "internal")])
async def test_one_of_a_batch_fails(faulty, text, code):
    """The others of the batch are stored and told, in order and without a hole; nobody is
    told of the one."""
    storage = faulty()
    alice, bob = await storage.server.connect("alice"), await storage.server.connect("bob")
    carol = await storage.server.connect("carol")
    storage.tell("hold")
    requests = []
    for number in range(20):
        message = text if number % 5 == 2 else f"number {number}"
        for client in (alice, carol):
            requests.append((client, message, await client.begin(
                "new", {"chatId": "bob", "message": message, "clientMessageId": f"c{number}"})))
    storage.tell()
    for client, message, request in requests:
        answer = await client.response(request)
        if message == text:
            assert answer["error"]["code"] == code, answer
        else:
            assert "payload" in answer, answer
    told = [await bob.expect_event("new") for _ in range(32)]
    assert [event["seq"] for event in told] == list(range(1, 33))
    assert text not in [event["payload"]["message"] for event in told]
    for name in ("alice", "carol"):
        page = await bob.ok("messages", {"chatId": name, "count": 100})
        assert [m["messageId"] for m in page["messages"]] == list(range(1, 17))
    again = await alice.new("bob", "number 2, better", clientMessageId="c2")
    assert again["messageId"] == 17


async def test_answer_lost(faulty):
    """The transaction stands, and its answer was lost: its receivers are told, and
    sent again it is the same message."""
    storage = faulty()
    alice, bob = await storage.server.connect("alice"), await storage.server.connect("bob")
    payload = {"chatId": "bob", "message": "lose my answer", "clientMessageId": "c"}
    await alice.new("bob", "before")
    await alice.fails("unavailable", "new", payload)
    await bob.expect_event("new", messageId=1)
    await bob.expect_event("new", messageId=2, clientMessageId="c")
    assert (await alice.ok("new", payload))["messageId"] == 2
    assert (await alice.new("bob", "after"))["messageId"] == 3
    await bob.expect_event("new", messageId=3)


async def test_connecting_while_the_storage_is_down(faulty):
    """It is connected, asks and is refused, and gets its events when the storage is back."""
    storage = faulty()
    alice = await storage.server.connect("alice")
    for number in range(5):
        await alice.new("bob", str(number))
    storage.tell("down")
    bob = await storage.server.connect("bob")
    await bob.fails("unavailable", "chats")
    bob.assert_no_event()
    status, why = storage.server.get("/readyz")
    assert status == 503 and "flooded" in why
    storage.tell()
    for number in range(5):
        await bob.expect_event("new", message=str(number))
