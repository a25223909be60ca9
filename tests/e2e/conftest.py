# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the end-to-end tests; the tools are in harness.py.

A test that is a coroutine is run to its end with a deadline; one that is marked
`long` has much more of it, and is left to `make check-long`. `server` is one
server that a whole file shares, each test with users of its own (`users`);
`start_server` is for tests that need a server, a config or a data directory
for themselves. PARLANCE_TEST_STORAGE says what they store in: sqlite, memory or
postgres; a test that is marked with the `storage` it is about is left out on another. Whatever a test started is stopped after it, and a server that
ended with anything but status 0, or with a sanitizer's report, fails the test.
"""
import asyncio
import contextlib
import inspect
import itertools

import pytest

import harness
import postgres_rig
import schemas

numbers = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; run by `make check-long`")
    config.addinivalue_line("markers", "storage(name): is about this storage, and runs on it alone")
    config.addinivalue_line("markers", "last: is about what all the others did")


def pytest_collection_modifyitems(config, items):
    others = []
    for item in items:
        mark = item.get_closest_marker("storage")
        if mark is not None and harness.STORAGE not in mark.args:
            others.append(item)
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def pytest_sessionfinish():
    harness.end_cluster()
    postgres_rig.end_cluster()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    deadline = harness.DEADLINE * (120 if pyfuncitem.get_closest_marker("long") else 8)

    async def run():
        try:
            await asyncio.wait_for(pyfuncitem.obj(**arguments), deadline)
        finally:
            await harness.end_connections()

    asyncio.run(run())
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for number, server in enumerate(harness.Server.everyone):
            log = server.log()
            if log:
                tail = "\n".join(log.split("\n")[-60:])
                report.sections.append((f"log of server {number} ({server.directory})", tail))


@pytest.fixture(autouse=True)
def judged():
    """Whatever was said in the test, to and fro, fits its schema."""
    yield
    wrong = schemas.faults.copy()
    schemas.faults.clear()
    assert not wrong, "\n".join(wrong[:10])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for the tests of one file. A connection may say as much nonsense as it likes."""
    server = harness.Server(tmp_path_factory.mktemp("server"), server={"max_bad_messages": 10000})
    server.start()
    yield server
    try:
        server.stop()
    finally:
        server.retire()


@pytest.fixture
def make_server(tmp_path_factory):
    """Makes servers that are not started yet; they are stopped after the test."""
    made = []

    def make(directory=None, **options):
        made.append(harness.Server(directory or tmp_path_factory.mktemp("server"), **options))
        return made[-1]

    yield make
    try:
        for server in made:
            server.stop()
    finally:
        for server in made:
            server.retire()


@pytest.fixture
def start_server(make_server):
    """The same, and starts them."""
    return lambda **options: make_server(**options).start()


@pytest.fixture
def make_rig(make_server):
    """Makes servers, not started yet, on databases that faults are made in."""
    with contextlib.ExitStack() as ends:
        def make(**options):
            rig = postgres_rig.Rig(make_server, **options)
            ends.callback(rig.end)
            return rig

        yield make


@pytest.fixture
def users():
    """Names that no other test uses: alice, bob = users("alice", "bob")."""
    number = next(numbers)

    def name(*names):
        made = [f"{name}.{number}" for name in names]
        return made if len(made) > 1 else made[0]

    return name
