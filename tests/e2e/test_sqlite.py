# SPDX-License-Identifier: BSD-2-Clause
"""SQLite in trouble: the database locked by somebody else, or no room for it.
Requests are answered `unavailable`, nothing of them is stored or told, and when
the trouble is over the same server goes on by itself."""
import os
import resource
import sqlite3

import pytest

from harness import eventually

pytestmark = pytest.mark.storage("sqlite")


def database(server):
    return os.path.join(server.directory, "parlance.db")


async def try_until_it_works(client, payload):
    """Sends the same message again until it is stored, as a client does that was
    told `unavailable`; returns the answer."""
    while True:
        answer = await client.request("new", payload)
        if "error" not in answer:
            return answer["payload"]
        assert answer["error"]["code"] in ("unavailable", "timeout"), answer


async def test_locked(start_server):
    own = start_server(storage="sqlite", plugins={"storage_sqlite": {"busy_timeout": "50ms"}})
    alice, bob = await own.connect("alice"), await own.connect("bob")
    await alice.new("bob", "before")
    await bob.expect_event("new", messageId=1)
    other = sqlite3.connect(database(own), isolation_level=None, timeout=10)
    other.execute("BEGIN EXCLUSIVE")
    try:
        payload = {"chatId": "bob", "message": "during", "clientMessageId": "c"}
        await alice.fails("unavailable", "new", payload)
        await eventually(lambda: own.get("/readyz")[0] == 503, "not ready")
        assert own.get("/healthz")[0] == 200
    finally:
        other.rollback()
        other.close()
    first = await try_until_it_works(alice, payload)
    assert first["messageId"] == 2
    await bob.expect_event("new", messageId=2, message="during")
    assert await alice.ok("new", payload) == first
    await eventually(lambda: own.get("/readyz")[0] == 200, "ready again")


async def test_file_cannot_grow(start_server):
    """As with a full disk: the limit is on this process alone."""
    own = start_server(storage="sqlite")
    alice, bob = await own.connect("alice"), await own.connect("bob")
    await alice.new("bob", "before")
    await bob.expect_event("new")
    limits = resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, (200000, limits[1]))
    text = "x" * 20000
    stored = 1
    while True:
        answer = await alice.request("new", {"chatId": "bob", "message": text,
                                             "clientMessageId": f"c{stored}"})
        if "error" in answer:
            break
        stored += 1
        assert answer["payload"]["messageId"] == stored
        assert stored < 1000, "the limit has no effect"
    assert answer["error"]["code"] == "unavailable", answer
    page = await bob.ok("messages", {"chatId": "alice", "count": 1})
    assert page["messages"][0]["messageId"] == stored
    resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, limits)
    last = await try_until_it_works(alice, {"chatId": "bob", "message": text,
                                            "clientMessageId": f"c{stored}"})
    assert last["messageId"] == stored + 1
    for number in range(2, stored + 2):
        await bob.expect_event("new", messageId=number)


def test_no_room_at_the_start(make_server):
    """It says so, and does not just end with a signal."""
    server = make_server(storage="sqlite")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        log = server.start_and_fail()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "parlance.db" in log and "disk" in log, log
    server.start()


def test_folder_that_is_not_there(make_server):
    server = make_server(storage="sqlite", plugins={"storage_sqlite": {"path": "/nowhere/x.db"}})
    assert "the folder /nowhere does not exist" in server.start_and_fail()


def test_no_database(make_server):
    server = make_server(storage="sqlite")
    with open(database(server), "wb") as file:
        file.write(b"this is no database, it is a sentence\n" * 100)
    log = server.start_and_fail()
    assert "parlance.db" in log


def test_newer_schema_is_refused(make_server):
    """A server does not touch what a later version has written."""
    server = make_server(storage="sqlite")
    server.start()
    server.stop()
    other = sqlite3.connect(database(server))
    other.execute("PRAGMA user_version = 1000")
    other.execute("UPDATE meta SET value = 1000 WHERE key = 'writer'")
    other.execute("UPDATE meta SET value = '99.0.0' WHERE key = 'writer_version'")
    other.commit()
    other.close()
    log = server.start_and_fail()
    assert "parlance.db" in log and "99.0.0" in log


def test_newer_schema_that_this_version_can_write(make_server):
    """So that an upgrade can be rolled back."""
    server = make_server(storage="sqlite")
    server.start()
    server.stop()
    other = sqlite3.connect(database(server))
    other.execute("PRAGMA user_version = 1000")
    other.commit()
    other.close()
    server.start()


@pytest.mark.parametrize("pragma, value", [("journal_mode", "wal")])
async def test_is_what_the_manual_says(start_server, pragma, value):
    own = start_server(storage="sqlite")
    await (await own.connect("alice")).new("bob")
    other = sqlite3.connect(database(own))
    assert other.execute(f"PRAGMA {pragma}").fetchone()[0] == value
    assert other.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    other.close()


async def test_one_server_a_file(start_server, make_server):
    """What a second one stored would be told to nobody at the first. The lock goes
    with its holder, also when that one is killed."""
    first = start_server(storage="sqlite")
    second = make_server(storage="sqlite",
                         plugins={"storage_sqlite": {"path": database(first)}})
    assert "used by another server" in second.start_and_fail()
    a, b = await first.connect("alice"), await first.connect("bob")
    await a.new("bob", "nobody noticed")
    await b.expect_event("new", messageId=1)
    first.kill()
    second.start()
    again = await (await second.connect("bob")).expect_event("new", messageId=1)
    assert again["redelivered"] is True
