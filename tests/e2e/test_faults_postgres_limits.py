# SPDX-License-Identifier: BSD-2-Clause
"""PostgreSQL at its limits: a disk that is full, no connection left, nothing to be written.
What can be read is read all the same, and the same server stores again when there is room."""
import os
import subprocess

import pytest

import postgres
from crowd import Crowd, insist
from harness import in_thread
from postgres_cluster import Cluster

pytestmark = pytest.mark.storage("postgres")
few = pytest.mark.parametrize("rounds", [1, pytest.param(15, marks=pytest.mark.long)])

# Mounts a small disk at $0 that only the program given sees, and runs it without rights again.
SMALL_DISK = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=32m,mode=700 none "$0" &&'
              ' exec unshare -U --map-user=1000 --map-group=1000 "$@"']


# ------------------------------------------------------------------ a full disk

def can_mount():
    try:
        return subprocess.run([*SMALL_DISK, "/mnt", "true"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False, cwd="/",
                              **postgres.identity()).returncode == 0
    except FileNotFoundError:
        return False


needs_mount = pytest.mark.skipif(
    not can_mount(), reason="this user may not mount a tmpfs of his own (unshare -rm)")


class SmallDisk:
    """A cluster with one more disk, of its own, that somebody else fills."""

    def __init__(self):
        self.cluster = Cluster()
        self.path = os.path.join(self.cluster.folder, "disk")
        os.mkdir(self.path)
        user = self.cluster.identity
        if user:
            os.chown(self.path, user["user"], user["group"])
        self.cluster.prefix = [*SMALL_DISK, self.path]
        self.cluster.start()

    def fill(self):
        self.run("cat /dev/zero >filler 2>/dev/null; true")

    def free(self):
        self.run("rm filler")

    def run(self, command):
        """By PostgreSQL, since nobody else sees the disk. No row: nothing to write to a command that
        may have ended already."""
        self.cluster.sql(f"COPY (SELECT WHERE false) TO PROGRAM 'cd {self.path} && {command}'")


@pytest.fixture
def disk():
    disk = SmallDisk()
    yield disk
    disk.cluster.remove()


@few
@needs_mount
async def test_disk_full(disk, make_rig, rounds):
    """The disk of the tables. What is there is read meanwhile."""
    disk.cluster.sql(f"CREATE TABLESPACE small LOCATION '{disk.path}'")
    rig = make_rig(cluster=disk.cluster, database_options="TABLESPACE small")
    server = rig.server.start()
    crowd = Crowd(server)
    reader = await server.connect("person 0", "reader")
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.answers(60)
            await in_thread(disk.fill)
            await crowd.answers(30, "unavailable")
            await rig.not_ready("the disk of the database is full")
            chats = await reader.ok("chats", {"count": 10})
            assert chats["chats"]
            await in_thread(disk.free)
            await crowd.answers(60)
            await rig.ready()
    await reader.close()
    await crowd.check()


# -------------------------------------------------------------------- connections

async def test_no_connection_left(make_rig):
    """From the start: others have them all. With one it works already."""
    rig = make_rig(conninfo=None)
    rig.cluster.sql("CREATE ROLE parlanced LOGIN CONNECTION LIMIT 0")
    try:
        rig.server.config["plugins"]["storage_postgres"]["conninfo"] = rig.cluster.conninfo(
            rig.database, "parlanced")
        rig.sql("ALTER SCHEMA public OWNER TO parlanced")
        server = rig.server.start()
        await rig.not_ready("too many connections")
        alice = await server.connect("alice")
        await alice.fails("unavailable", "new", {"chatId": "bob", "message": "lost"})
        rig.cluster.sql("ALTER ROLE parlanced CONNECTION LIMIT 1")
        await rig.ready()
        for number in range(1, 20):
            answer = await insist(alice, "new", {"chatId": "bob", "message": str(number)})
            assert answer["messageId"] == number
        assert rig.metric("connections") == 1
        rig.cluster.sql("ALTER ROLE parlanced CONNECTION LIMIT 4")
        await rig.connected()
        await server.end()
    finally:
        rig.cluster.drop(rig.database)
        rig.cluster.sql("DROP ROLE parlanced")


@few
async def test_max_connections(make_rig, rounds):
    """Others take them one by one as ours are ended, until there is none."""
    cluster = Cluster(max_connections=8, superuser_reserved_connections=1).start()
    try:
        rig = make_rig(cluster=cluster, connections=3)
        cluster.sql("CREATE ROLE parlanced LOGIN; CREATE ROLE other LOGIN")
        rig.sql("ALTER SCHEMA public OWNER TO parlanced")
        rig.server.config["plugins"]["storage_postgres"]["conninfo"] = cluster.conninfo(
            rig.database, "parlanced")
        crowd = Crowd(rig.server.start())
        others = []

        def take_all():
            while len(others) < 7:
                cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE usename = 'parlanced'")
                other = cluster.session("postgres", "other")
                try:
                    other.run("SELECT 1")
                    others.append(other)
                except (RuntimeError, BrokenPipeError):  # ours were quicker
                    other.close()

        def give_back():
            while others:
                others.pop().close()

        async with crowd.at_work():
            for _ in range(rounds):
                await crowd.trouble(begin=take_all, end=give_back)
        await crowd.check()
        await rig.server.end()
    finally:
        cluster.remove()


# ----------------------------------------------------------------------- read-only

@few
async def test_read_only(make_rig, rounds):
    rig = make_rig()
    server = rig.server.start()
    crowd = Crowd(server)
    reader = await server.connect("person 0", "reader")
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.answers(60)
            await in_thread(lambda: rig.cluster.set(default_transaction_read_only="on"))
            await crowd.answers(30, "unavailable")
            await rig.not_ready("the database is read-only")
            chats = await reader.ok("chats", {"count": 10})
            assert chats["chats"]
            await in_thread(lambda: rig.cluster.set(default_transaction_read_only=None))
            await crowd.answers(60)
            await rig.ready()
    await reader.close()
    await rig.connected()
    await crowd.check()


async def test_read_only_and_quiet(make_rig):
    """Nobody asks for anything: it is found out all the same that it can be written again."""
    rig = make_rig()
    server = rig.server.start()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    await alice.new("bob", "1")
    await bob.expect_event("new", messageId=1)
    rig.cluster.set(default_transaction_read_only="on")
    await alice.fails("unavailable", "new", {"chatId": "bob", "message": "lost"})
    await rig.not_ready("the database is read-only")
    page = await bob.ok("messages", {"chatId": "alice", "count": 10})
    assert [m["message"] for m in page["messages"]] == ["1"]
    rig.cluster.set(default_transaction_read_only=None)
    await rig.ready()
    assert (await alice.new("bob", "2"))["messageId"] == 2
    await bob.expect_event("new", messageId=2)
