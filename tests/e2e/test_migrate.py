# SPDX-License-Identifier: BSD-2-Clause
"""parlanced --migrate: the storage's tables are brought to this version, and
nothing else of the server is there meanwhile."""
import os
import socket
import sqlite3
import subprocess

import pytest

from harness import DURABLE, ROOT, SANITIZER, parlanced


def migrate(server):
    """Its status, what it printed, and what it complained of."""
    server.args = ["--migrate"]
    server.forget_log()
    server.spawn()  # this one for its config and its log
    first = server.wait()
    server.process = None
    server.args = []
    done = subprocess.run([parlanced(), "--config", server.path, "--migrate"], timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == first, "a second one ends like the first"
    for log in (server.log(), done.stderr):
        assert not SANITIZER.search(log), log
        assert "ready" not in log
    return first, done.stdout, server.log()


def database(server):
    return os.path.join(server.directory, "parlance.db")


def version(path):
    file = sqlite3.connect(path)
    number = file.execute("PRAGMA user_version").fetchone()[0]
    file.close()
    return number


async def test_makes_what_the_server_needs(make_server):
    """One line about it; and the server runs on that."""
    server = make_server(storage=DURABLE)
    status, printed, log = migrate(server)
    assert status == 0, log
    assert printed.count("\n") == 1 and "storage_" + DURABLE in printed
    server.start()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    await alice.new("bob", "hello")
    await bob.expect_event("new", messageId=1)


def test_starts_the_storage_alone(make_server):
    """Another plugin that does not start is no matter, nor is an address that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"ws://127.0.0.1:{taken.getsockname()[1]}"
        server = make_server(storage=DURABLE, zoo=["zoo_start_fails"],
                             plugins={"zoo_start_fails": {}}, server={"listen": [address]})
        assert migrate(server)[0] == 0, server.log()


def test_config_that_is_wrong(make_server):
    """All of it is checked, as at every start."""
    server = make_server(plugins={"messaging": {"max_txt": "1k"}})
    status, printed, log = migrate(server)
    assert status == 1 and printed == ""
    assert "max_txt" in log


def test_without_a_storage(make_server):
    server = make_server(storage="memory", plugins={"messaging": None, "storage_memory": None})
    status, printed, log = migrate(server)
    assert status == 1 and printed == ""
    assert "storage_sqlite" in log, "what to do about it"


@pytest.mark.storage("sqlite")
def test_sqlite_of_an_earlier_version(make_server):
    fresh = make_server(storage="sqlite")
    assert migrate(fresh)[0] == 0
    old = make_server(storage="sqlite")
    file = sqlite3.connect(database(old))
    with open(os.path.join(ROOT, "tests/unit/sqlite_v1.sql"), encoding="utf-8") as sql:
        file.executescript(sql.read())
    file.close()
    assert version(database(old)) == 1
    status, printed, log = migrate(old)
    assert status == 0, log
    assert version(database(old)) == version(database(fresh)) > 1


@pytest.mark.storage("sqlite")
def test_sqlite_that_cannot_be(make_server, start_server):
    """The reason is told where it is seen: the log file is left to the server."""
    server = make_server(storage="sqlite",
                         plugins={"storage_sqlite": {"path": "/nowhere/parlance.db"}})
    log_file = os.path.join(server.directory, "parlanced.log")
    server.config["server"]["log_file"] = log_file
    status, printed, log = migrate(server)
    assert status == 1 and printed == ""
    assert "storage_sqlite does not start: the folder /nowhere does not exist" in log
    assert not os.path.exists(log_file)
    running = start_server(storage="sqlite")
    server = make_server(storage="sqlite",
                         plugins={"storage_sqlite": {"path": database(running)}})
    status, printed, log = migrate(server)
    assert status == 1 and "used by another server" in log
