# SPDX-License-Identifier: BSD-2-Clause
"""Two PostgreSQL, of which the second follows the first and takes its place: `host=a,b
target_session_attrs=read-write`. With synchronous replication nothing that was answered is
lost, and what was not answered is settled as ever."""
import pytest

from crowd import Crowd, insist
from harness import in_thread
from postgres_cluster import Cluster, Standby

pytestmark = pytest.mark.storage("postgres")


class Pair:
    """The two, and what is to be written in conninfo: the standby stands first there."""

    def __init__(self):
        self.primary = Cluster().start()
        self.standby = Standby(self.primary).start()
        self.conninfo = (f"host={self.standby.folder},{self.primary.folder} user=parlance"
                         " dbname={database} target_session_attrs=read-write")

    def rig(self, make_rig, **options):
        """What is answered from here on is on both."""
        self.primary.set(synchronous_standby_names=self.standby.name)
        rig = make_rig(cluster=self.primary, conninfo=self.conninfo, **options)
        self.standby.caught_up()
        return rig

    def fail_over(self):
        self.primary.kill_all()
        self.standby.promote()

    def remove(self):
        self.standby.remove()
        self.primary.remove()


@pytest.fixture
def pair():
    pair = Pair()
    yield pair
    pair.remove()


async def test_failover(pair, make_rig):
    rig = pair.rig(make_rig)
    crowd = Crowd(rig.server.start())
    async with crowd.at_work():
        await crowd.answers(100)
        await rig.connected()
        lost = await rig.growth("losses_total", 4)
        await in_thread(pair.primary.kill_all)
        await crowd.answers(30, "unavailable")
        await rig.not_ready()
        await in_thread(pair.standby.promote)
        await lost()
        await crowd.answers(100)
        await rig.ready()
    await crowd.check()


async def test_failover_at_once(pair, make_rig):
    """Whoever asks meanwhile may not even notice."""
    rig = pair.rig(make_rig, timeout="10s")
    crowd = Crowd(rig.server.start())
    async with crowd.at_work():
        await crowd.answers(100)
        await rig.connected()
        lost = await rig.growth("losses_total", 4)
        await in_thread(pair.fail_over)
        await lost()
        await crowd.answers(100)
    await rig.ready()
    await crowd.check()


async def test_nothing_is_answered_that_is_not_on_both(pair, make_rig):
    """With the standby gone a commit waits for it, and nobody knows what becomes of it: nothing
    that was not there when the standby takes over may have been answered."""
    rig = pair.rig(make_rig)
    server = rig.server.start()
    alice = await server.connect("alice")
    await alice.new("bob", "before", clientMessageId="c1")
    pair.standby.stop()
    for number in range(2, 5):
        await alice.fails("unavailable", "new", {
            "chatId": f"bob {number}", "message": "lost", "clientMessageId": f"c{number}"})
    assert rig.metric("in_doubt_total") >= 1
    await in_thread(pair.primary.kill_all)
    pair.standby.start()
    await in_thread(pair.standby.promote)
    await rig.ready()
    for number in range(2, 5):
        answer = await insist(alice, "new", {"chatId": f"bob {number}", "message": "stored",
                                             "clientMessageId": f"c{number}"})
        assert answer["messageId"] == 1
        page = await insist(alice, "messages", {"chatId": f"bob {number}", "count": 10})
        assert [m["message"] for m in page["messages"]] == ["stored"]
    page = await insist(alice, "messages", {"chatId": "bob", "count": 10})
    assert [m["message"] for m in page["messages"]] == ["before"]


async def test_primary_becomes_read_only(pair, make_rig):
    """Connections that stay open lead to one that can only be read from here on: they are left
    for the one that can be written."""
    rig = pair.rig(make_rig)
    crowd = Crowd(rig.server.start())

    def change_places():
        pair.primary.set(default_transaction_read_only="on")
        pair.standby.caught_up()
        pair.standby.promote()

    async with crowd.at_work():
        await crowd.answers(100)
        await in_thread(change_places)
        await crowd.answers(100)
    await rig.ready()
    await crowd.check()
