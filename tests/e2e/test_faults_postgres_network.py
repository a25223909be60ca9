# SPDX-License-Identifier: BSD-2-Clause
"""The network between the server and PostgreSQL: dropped, not refused, before, during and after
a COMMIT; dropped in one direction; refused; reset; slow. When the commit's outcome is
not known, nothing is stored twice, and nothing that stands stays untold."""
import pytest

from crowd import Crowd, insist
from harness import eventually, in_thread
from test_faults_postgres import typing_goes_on

pytestmark = pytest.mark.storage("postgres")
few = pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])


def long(*values):
    return pytest.param(*values, marks=pytest.mark.long)



# ------------------------------------------------------------ around a COMMIT

async def quiet(rig):
    """Alice and bob, who know each other, and nothing that is committed but what they ask for
    from here on."""
    server = rig.server.start()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    await alice.barrier()
    await rig.connected()
    await alice.new("bob", "1", clientMessageId="c1")
    await bob.expect_event("new", messageId=1)
    await bob.barrier()
    return alice, bob


@pytest.mark.parametrize("where, end", [
    ("before", "heal"), ("before", "forget"), ("during", "heal"), long("during", "forget"),
    ("after", "heal"), long("after", "forget")])
async def test_cut_at_commit(make_rig, where, end):
    """What was sent may arrive when the network is well again, or never. `during`: PostgreSQL
    commits, and its answer is lost. `after`: the answer comes, and then nothing more."""
    rig = make_rig(proxy=True, server={"cursor_interval": "1m"})
    alice, bob = await quiet(rig)
    payload = {"chatId": "bob", "message": "unsure", "clientMessageId": "c2"}
    cut = rig.proxy.cut(where)
    asked = await alice.begin("new", payload)
    await in_thread(cut.wait)
    answer = await alice.response(asked)
    if where == "after":
        assert answer["payload"]["messageId"] == 2, answer
        await bob.expect_event("new", messageId=2, clientMessageId="c2")
        await alice.fails("unavailable", "new", {**payload, "clientMessageId": "c3"})
    else:
        assert answer["error"]["code"] == "unavailable", answer
        assert rig.metric("in_doubt_total") >= 1
    await rig.not_ready()
    await typing_goes_on(alice, bob)
    getattr(rig.proxy, end)()
    await rig.ready()
    assert (await insist(alice, "new", payload))["messageId"] == 2
    assert (await insist(alice, "new", {**payload, "clientMessageId": "c3"}))["messageId"] == 3
    for number in (3,) if where == "after" else (2, 3):
        event = await bob.expect_event("new", messageId=number, clientMessageId=f"c{number}")
        assert event["seq"] == number
    page = await bob.ok("messages", {"chatId": "alice", "count": 10})
    assert [m["clientMessageId"] for m in page["messages"]] == ["c1", "c2", "c3"]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("where", ["before", "during"])
async def test_cut_at_commit_for_a_moment(make_rig, where, told):
    """The connection is lost at once, and can be made again at once: it is settled whether the
    commit stood, and the one who asked is not bothered with it. Where PostgreSQL was not told,
    its old process is in the middle of the transaction, and has the locks."""
    rig = make_rig(proxy=True, timeout="5s", server={"cursor_interval": "1m"})
    alice, bob = await quiet(rig)
    for number in range(2, 5):
        await rig.connected()
        cut = rig.proxy.cut(where)
        asked = await alice.begin("new", {"chatId": "bob", "message": str(number)})
        await in_thread(cut.wait)
        rig.proxy.reset(told)
        rig.proxy.heal()
        answer = await alice.response(asked)
        assert answer.get("payload", {}).get("messageId") == number, answer
        event = await bob.expect_event("new", messageId=number, message=str(number))
        assert event["seq"] == number
    assert rig.metric("in_doubt_total") >= 3
    if where == "before":
        assert rig.metric("retries_total") >= 3
    await rig.ready()


@few
@pytest.mark.parametrize("where", [long("before"), "during", long("after")])
async def test_cut_at_commit_under_load(make_rig, where, rounds):
    rig = make_rig(proxy=True)
    crowd = Crowd(rig.server.start())

    async with crowd.at_work():
        for end in [rig.proxy.heal, rig.proxy.forget] * rounds:
            await crowd.trouble(begin=lambda: rig.proxy.cut(where).wait(), end=end)
    await crowd.check()


# ------------------------------------------------------------------- at any time

@few
@pytest.mark.parametrize("how", ["drop", long("answers"), long("questions"), long("refuse"), "no news"])
async def test_network_gone(make_rig, how, rounds):
    """`no news`: also the kernel says nothing to who wants to connect."""
    rig = make_rig(proxy=True)
    proxy = rig.proxy
    begin = {
        "drop": proxy.drop, "refuse": proxy.refuse,
        "answers": lambda: proxy.drop(proxy.ANSWERS),
        "questions": lambda: proxy.drop(proxy.QUESTIONS),
        "no news": lambda: (proxy.drop_new(), proxy.drop()),
    }[how]
    crowd = Crowd(rig.server.start())
    async with crowd.at_work():
        for number in range(rounds):
            await crowd.trouble(begin, end=proxy.forget if number % 2 else proxy.heal)
    await crowd.check()


@few
async def test_reset(make_rig, rounds):
    """All connections at once, in the middle of whatever they do."""
    rig = make_rig(proxy=True)
    crowd = Crowd(rig.server.start())
    async with crowd.at_work():
        for _ in range(rounds * 4):
            await crowd.answers(60)
            lost = await rig.growth("losses_total")
            rig.proxy.reset()
            await lost()
        await crowd.answers(60)
    await rig.ready()
    await crowd.check()


async def test_slow(make_rig):
    """What takes long, but not too long, is no fault: nobody is refused, no connection given up."""
    rig = make_rig(proxy=True, timeout="20s")
    crowd = Crowd(rig.server.start())
    await rig.connected()
    async with crowd.at_work():
        for number in range(6):
            await crowd.answers(20)
            held = rig.proxy.held
            rig.proxy.drop(number % 2)
            await eventually(lambda: rig.proxy.held > held, "something that is held up")
            rig.proxy.heal()
    assert set(crowd.counts) == {"answers"} and rig.metric("losses_total") == 0
    await crowd.check()


async def test_silent_at_the_start(make_rig):
    """The server starts when it has waited long enough for an answer."""
    rig = make_rig(proxy=True)
    rig.proxy.drop()
    server = rig.server.start()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    await rig.not_ready()
    await alice.fails("unavailable", "new", {"chatId": "bob", "message": "lost"})
    await typing_goes_on(alice, bob)
    rig.proxy.heal()
    await rig.ready()
    await insist(alice, "new", {"chatId": "bob", "message": "stored"})
    await bob.expect_event("new", messageId=1, message="stored")
