# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of PostgreSQL, of one of its processes, and of the server, in turn and under
load: what was answered is stored, exactly once, and delivered; what was answered
`unavailable`, or not at all, is settled by sending it again."""
import os
import signal

import pytest

from crowd import Crowd
from harness import eventually, in_thread
from postgres import Cluster

pytestmark = pytest.mark.storage("postgres")
few = pytest.mark.parametrize("rounds", [2, pytest.param(15, marks=pytest.mark.long)])


@pytest.fixture(scope="module")
def killed():
    """One that may be killed. The long tests have it as in production; else nothing is synced,
    which recovery does with each file there is."""
    cluster = Cluster(on_disk=True)
    yield cluster
    cluster.remove()


@pytest.fixture
def cluster(killed, request):
    fsync = "on" if request.node.get_closest_marker("long") else "off"
    killed.configure(fsync=fsync, full_page_writes=fsync)
    killed.start()
    killed.create("parlance")
    yield killed
    killed.drop("parlance")
    killed.stop()


@pytest.fixture
def server(cluster, start_server):
    """Cursors are written often, so that some are on their way whenever something dies."""
    return start_server(
        storage="postgres", server={"cursor_interval": "10ms"},
        plugins={"storage_postgres": {"conninfo": cluster.conninfo("parlance")}})


def ready(server):
    return server.get("/readyz")[0] == 200


async def kill_backend(cluster):
    """PostgreSQL ends all others too then, and recovers. After the last time the server may
    still be without a connection."""
    backends = await eventually(lambda: cluster.backends("parlance"), "a connection")
    os.kill(backends[0], signal.SIGKILL)


@few
async def test_database_killed(server, cluster, rounds):
    """While it is gone everybody is answered `unavailable`; when it is back the same server goes
    on by itself."""
    crowd = Crowd(server)
    async with crowd.at_work():
        for number in range(rounds):
            await crowd.answers(50 + 37 * (number % 5))
            await in_thread(cluster.kill)
            await crowd.answers(30, "unavailable")
            await eventually(lambda: not ready(server), "not ready")
            await in_thread(cluster.start)
            await crowd.answers(50)
            await eventually(lambda: ready(server), "ready again")
    await crowd.check()


@few
async def test_backend_killed(server, cluster, rounds):
    """All connections are lost in the middle of what they do, and can be made again at once."""
    crowd = Crowd(server)
    async with crowd.at_work():
        for number in range(rounds * 3):
            await crowd.answers(50 + 37 * (number % 5))
            losses = server.metric("parlance_storage_postgres_losses_total")
            await kill_backend(cluster)
            await eventually(lambda: server.metric(
                "parlance_storage_postgres_losses_total") > losses, "a lost connection")
        await crowd.answers(50)
    await eventually(lambda: ready(server), "ready again")
    await crowd.check()


@few
async def test_all_of_them_in_turn(server, cluster, rounds):
    """The server dies with the database there, with it gone, and before or after it comes back."""
    crowd = Crowd(server)
    for number in range(rounds * 2):
        async with crowd.at_work():
            await crowd.answers(50)
            if number % 2:
                await kill_backend(cluster)
            else:
                await in_thread(cluster.kill)
                await crowd.answers(10, "unavailable")
                await in_thread(cluster.start)
            await crowd.answers(50)
            await in_thread(cluster.kill)
            await in_thread(server.kill)
        cluster.start()
        server.start()
        async with crowd.at_work():
            await crowd.answers(50)
            await in_thread(server.kill)
            await in_thread(cluster.kill)
        cluster.start()
        server.start()
    await crowd.check()


async def test_killed_right_behind_the_answer(server, cluster):
    """The answer says that it is stored: not one may be missing afterwards."""
    client = await server.connect("alice")
    for number in range(1, 6):
        payload = {"chatId": "bob", "message": f"number {number}", "clientMessageId": str(number)}
        answer = {"error": {"code": "unavailable"}}
        while "error" in answer:
            assert answer["error"]["code"] == "unavailable", answer
            answer = await client.request("new", payload)
        assert answer["payload"]["messageId"] == number
        await in_thread(cluster.kill)
        await in_thread(cluster.start)
    bob = await server.connect("bob")
    for number in range(1, 6):
        assert (await bob.expect_event("new", message=f"number {number}"))["seq"] == number
