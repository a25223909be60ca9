# SPDX-License-Identifier: BSD-2-Clause
"""PostgreSQL stopped, restarted, frozen, away, and connections ended by an administrator, with a
crowd at work and without: whoever asks is answered in any case, what was answered well stays,
and the same server goes on by itself. Killed: test_crash_postgres.py."""
import signal

import pytest

from crowd import Crowd, insist
from harness import eventually, in_thread

pytestmark = pytest.mark.storage("postgres")
few = pytest.mark.parametrize("rounds", [1, pytest.param(25, marks=pytest.mark.long)])

FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT


async def typing_goes_on(alice, bob):
    for stop in ({}, {"stop": True}):
        await alice.event("typing", {"chatId": bob.user, **stop})
        await bob.expect_event("typing", chatId=alice.user, **stop)


@few
@pytest.mark.parametrize("how", [FAST, IMMEDIATE, "killed"])
async def test_restarted(make_rig, how, rounds):
    """Some may be answered `unavailable`, which is settled by asking again."""
    rig = make_rig()
    crowd = Crowd(rig.server.start())

    def restart():
        if how == "killed":
            rig.cluster.kill_all()
        else:
            rig.cluster.stop(how)
        rig.cluster.start()

    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.answers(60)
            await rig.connected()
            lost = await rig.growth("losses_total", 4)
            await in_thread(restart)
            await lost()
            await crowd.answers(60)
    await rig.ready()
    await crowd.check()


@few
async def test_stopped(make_rig, rounds):
    rig = make_rig()
    crowd = Crowd(rig.server.start())
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.trouble(begin=rig.cluster.stop, end=rig.cluster.start)
    assert rig.metric("refused_total") > 0
    await crowd.check()


@few
async def test_frozen(make_rig, rounds):
    """It neither answers nor ends anything, as a machine that has no memory left."""
    rig = make_rig()
    crowd = Crowd(rig.server.start())
    async with crowd.at_work():
        for _ in range(rounds):
            await crowd.trouble(begin=rig.cluster.freeze, end=rig.cluster.thaw)
    await crowd.check()


@few
async def test_connections_ended_by_an_administrator(make_rig, rounds):
    """Idle or at work, one or all: those who can be tried again are, and nobody is refused."""
    rig = make_rig(timeout="5s", connections=3)
    crowd = Crowd(rig.server.start())
    await rig.connected(3)
    async with crowd.at_work():
        for number in range(rounds * 4):
            await crowd.answers(40)
            lost = await rig.growth("losses_total")
            await in_thread(rig.terminate, "true" if number % 2 else
                            f"pid % 2 = {number // 2 % 2}")
            await crowd.answers(40)
            if number % 2:
                await lost()
    await rig.connected(3)
    assert set(crowd.counts) <= {"answers", "unavailable"}
    await crowd.check()


async def test_idle_connections_ended(make_rig):
    """Nobody was at work then, so nobody notices."""
    rig = make_rig(timeout="5s", connections=2)
    alice, bob = await rig.server.start().connect("alice"), await rig.server.connect("bob")
    for number in range(1, 4):
        await alice.new("bob", str(number))
        await bob.expect_event("new", messageId=number)
        await rig.connected(2)
        lost = await rig.growth("losses_total", 2)
        assert rig.terminate() == 2
        await lost()
    await rig.ready()


async def test_away(make_rig):
    """What needs no database goes on. What does is answered at once, however often; who
    comes meanwhile is connected, and gets what there is for him afterwards."""
    rig = make_rig()
    server = rig.server.start()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    await alice.new("carol", "for carol")
    await alice.new("bob", "before")
    await bob.expect_event("new", message="before")
    rig.cluster.stop()
    await rig.not_ready()
    for number in range(50):
        await alice.fails("unavailable", "new", {"chatId": "bob", "message": str(number)})
        await bob.fails("unavailable", "messages", {"chatId": "alice", "count": 1})
    await typing_goes_on(alice, bob)
    carol = await server.connect("carol")
    await carol.fails("unavailable", "chats")
    assert rig.metric("connections") == 0 and rig.metric("queue_length") == 0
    rig.cluster.start()
    await rig.ready()
    await carol.expect_event("new", message="for carol")
    await insist(alice, "new", {"chatId": "bob", "message": "after", "clientMessageId": "c"})
    event = await bob.expect_event("new", message="after", messageId=2)
    assert event["seq"] == 2
    await rig.connected()


async def test_away_at_the_start(make_rig):
    """The server starts all the same: who brings both up needs no order."""
    rig = make_rig()
    rig.cluster.stop()
    server = rig.server.start()
    await rig.not_ready()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    await alice.fails("unavailable", "new", {"chatId": "bob", "message": "lost"})
    await typing_goes_on(alice, bob)
    rig.cluster.start()
    await rig.ready()
    await insist(alice, "new", {"chatId": "bob", "message": "stored"})
    await bob.expect_event("new", messageId=1, message="stored")


async def test_acks_while_away(make_rig):
    """They are kept until they can be written, also those of a device that left."""
    rig = make_rig()
    server = rig.server.start()
    alice = await server.connect("alice")
    stays = await server.connect("bob", "stays", auto_ack=False)
    leaves = await server.connect("bob", "leaves", auto_ack=False)
    for number in range(10):
        await alice.new("bob", str(number))
    for device in (stays, leaves):
        await device.until(lambda d=device: len(d.events) == 10, "all events")
    rig.cluster.stop()
    await rig.not_ready()
    for device in (stays, leaves):
        for event in device.events[:4] + device.events[6:8]:
            await device.ack(event)
        await device.fails("unavailable", "chats")
    await leaves.close()
    await eventually(lambda: server.metric("parlance_sessions") == 2, "session gone")
    rig.cluster.start()
    await rig.ready()
    await stays.close()
    for name in ("stays", "leaves"):
        device = await server.connect("bob", name)
        for number in (4, 5, 8, 9):
            event = await device.expect_event("new", message=str(number))
            assert event["redelivered"] is True
    await insist(alice, "new", {"chatId": "bob", "message": "last"})
    await device.expect_event("new", message="last")


@pytest.mark.parametrize("begin, end", [("stop", "start"), ("freeze", "thaw")])
async def test_server_ended_meanwhile(make_rig, begin, end):
    """It waits for what it has begun, but not for ever; what is open is answered."""
    rig = make_rig(server={"drain_timeout": "2s"})
    server = rig.server.start()
    alice = await server.connect("alice")
    await alice.new("bob", "0", clientMessageId="c0")
    await rig.connected()
    getattr(rig.cluster, begin)()
    asked = [await alice.begin("new", {"chatId": "bob", "message": str(number),
                                       "clientMessageId": f"c{number}"}) for number in range(1, 4)]
    for request in asked:
        assert (await alice.response(request))["error"]["code"] == "unavailable"
    await server.end()
    getattr(rig.cluster, end)()
    server.start()
    alice = await server.connect("alice")
    bob = await server.connect("bob")
    for number in range(4):
        await insist(alice, "new", {"chatId": "bob", "message": str(number),
                                    "clientMessageId": f"c{number}"})
    for number in range(4):
        await bob.expect_event("new", clientMessageId=f"c{number}", messageId=number + 1)
    page = await bob.ok("messages", {"chatId": "alice", "count": 10})
    assert [m["clientMessageId"] for m in page["messages"]] == ["c0", "c1", "c2", "c3"]
