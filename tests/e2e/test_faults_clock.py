# SPDX-License-Identifier: BSD-2-Clause
"""A clock that jumps. libfaketime gives the server another time of day and leaves
the monotonic clock alone, as a correction of the machine's clock does."""
import glob
import os

import pytest

from crowd import Crowd, history
from harness import DURABLE, eventually, sanitized

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)

pytestmark = [
    pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not there: install faketime"),
    pytest.mark.skipif(sanitized(), reason="libfaketime and a sanitizer cannot both be the first"),
]


class Clock:
    """What the time of a server is: seconds from the real one."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "clock")
        self.env = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.path,
                    "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.set(0)

    def set(self, seconds):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(f"{seconds:+d}s")
        os.replace(self.path + ".new", self.path)


@pytest.fixture
def clock(tmp_path):
    return Clock(str(tmp_path))


async def test_the_clock_can_be_set(start_server, clock):
    """That the other tests test anything."""
    own = start_server(env=clock.env)
    alice = await own.connect("alice")
    before = (await alice.new("bob"))["timestamp"]
    clock.set(100000)
    after = (await alice.new("bob"))["timestamp"]
    assert 99000000 < after - before < 200000000


def assert_ascending(numbers):
    assert numbers == sorted(numbers), numbers


async def test_timestamps_never_go_back(start_server, clock):
    """Not on a connection, not in a chat, not over a restart; messages and events keep
    their order, and a read mark its time."""
    own = start_server(storage=DURABLE, env=clock.env)
    alice, bob = await own.connect("alice"), await own.connect("bob")
    for number, seconds in enumerate((0, -3600, 7200, -86400, -10 * 86400, 3600)):
        clock.set(seconds)
        assert (await alice.new("bob", str(number)))["messageId"] == number + 1
        await bob.expect_event("new", message=str(number))
        first = await bob.ok("read", {"chatId": "alice"})
        await alice.expect_event("read")
        assert await bob.ok("read", {"chatId": "alice"}) == first
    for client in (alice, bob):
        assert_ascending([m["timestamp"] for m in client.events])
    clock.set(-86400)
    await own.restart()
    alice, bob = await own.connect("alice"), await own.connect("bob")
    await alice.new("bob", "6")
    await bob.expect_event("new", message="6")
    messages = await history(bob, "alice")
    assert_ascending([m["createdAt"] for m in messages])
    assert [m["message"] for m in messages] == [str(i) for i in range(7)]


async def test_time_outs_do_not_jump(start_server, clock):
    """An hour forward or back neither ends what has time yet nor keeps what has not."""
    own = start_server(env=clock.env, zoo=["zoo_wild"], plugins={"zoo_wild": {}},
                       server={"request_timeout": "500ms", "ping_interval": "20s"})
    alice, bob = await own.connect("alice"), await own.connect("bob")
    for seconds in (3600, -3600):
        quick = await alice.begin("zoo.late", {"delay": 50})
        slow = await alice.begin("zoo.never")
        clock.set(seconds)
        await alice.new("bob", "jump")
        assert "error" not in await alice.response(quick)
        assert (await alice.response(slow))["error"]["code"] == "timeout"
    await bob.expect_event("new")
    await bob.barrier()
    assert own.metric("parlance_pings_sent_total") == 0


@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.long)])
async def test_jumps_under_load(start_server, clock, rounds):
    own = start_server(storage=DURABLE, env=clock.env)
    crowd = Crowd(own)
    async with crowd.at_work():
        for number in range(rounds):
            await crowd.answers(50)
            clock.set((-1) ** number * 600 * number)
        for person in crowd.people:
            for device in person.devices:
                assert_ascending([event["timestamp"] for event in device.events])
    clock.set(-5 * 86400)
    await crowd.check()


async def test_a_day_far_ahead(start_server, clock):
    """With the clock suddenly past every ttl nothing that is kept is dropped, and nobody is
    forgotten; back again, the server still serves."""
    own = start_server(storage=DURABLE, env=clock.env,
                       server={"prune_interval": "10ms", "device_ttl": "30d", "event_ttl": "90d"})
    alice, bob = await own.connect("alice"), await own.connect("bob", auto_ack=False)
    await alice.new("bob", "old")
    await bob.expect_event("new", message="old")
    await bob.close()
    clock.set(365 * 86400)
    transactions = f"parlance_storage_{DURABLE}_transactions_total"
    done = own.metric(transactions)
    await eventually(lambda: own.metric(transactions) >= done + 10,
                     "pruning")
    assert own.metric("parlance_events_pruned_total") == 0
    assert own.metric("parlance_devices_forgotten_total") == 0
    clock.set(0)
    await alice.new("bob", "new")
    bob = await own.connect("bob")
    assert (await bob.expect_event("new", message="old"))["redelivered"] is True
    assert (await bob.expect_event("new", message="new"))["seq"] == 2
