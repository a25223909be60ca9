# SPDX-License-Identifier: BSD-2-Clause
"""A server on a database that faults are made in: what the tests of faults begin with.

    rig = make_rig(proxy=True)           # a fixture of conftest.py; nothing runs yet
    server = rig.server.start()
    rig.cluster.stop(), rig.proxy.drop() ...
    await rig.not_ready("no connection left"), await rig.ready()

The cluster is one for all of these tests, and made as it was after each.
"""
import functools
import itertools

from harness import eventually
from postgres import until
from postgres_cluster import Cluster
from postgres_proxy import Proxy
from wire import FACTOR

METRIC = "parlance_storage_postgres_"
SHORT = f"{int(500 * FACTOR)}ms"

numbers = itertools.count(1)


@functools.cache
def shared_cluster():
    return Cluster().start()


def end_cluster():
    if shared_cluster.cache_info().currsize:
        shared_cluster().remove()


class Rig:
    """`options` are those of storage_postgres. The limits are short: so are the tests. A `cluster`
    of the test's own is the test's to mend and to remove, behind this."""

    def __init__(self, make_server, cluster=None, proxy=False, server=None, conninfo=None,
                 env=None, database_options="", **options):
        self.cluster = cluster or shared_cluster()
        self.own_cluster = cluster is not None
        self.database = f"rig_{next(numbers)}"
        self.create(database_options)
        self.proxy = Proxy(self.cluster.folder) if proxy else None
        if conninfo is None:
            conninfo = self.cluster.conninfo(self.database)
            if proxy:
                conninfo = self.proxy.conninfo(conninfo)
        options = {"conninfo": conninfo.format(database=self.database), "timeout": SHORT,
                   "connect_timeout": "1s", **options}
        self.server = make_server(
            storage="memory", env=env, server={"cursor_interval": "10ms", **(server or {})},
            plugins={"storage_memory": None, "typing": {"typing_interval": "0"},
                     "storage_postgres": options})

    def create(self, options=""):
        self.cluster.sql(f"CREATE DATABASE {self.database} {options}")

    def sql(self, text):
        return self.cluster.sql(text, self.database)

    def session(self):
        return self.cluster.session(self.database)

    def terminate(self, among="true"):
        return self.cluster.terminate(self.database, among)

    def metric(self, name):
        return self.server.metric(METRIC + name)

    async def ready(self):
        await eventually(lambda: self.server.get("/readyz")[0] == 200, "ready")

    async def not_ready(self, why=""):
        """And says why."""
        await eventually(lambda: self.server.get("/readyz")[0] == 503, "not ready")
        await eventually(lambda: why in self.server.get("/readyz")[1],
                         f"{why!r} as the reason, last was {self.server.get('/readyz')}")
        assert self.server.get("/healthz")[0] == 200
        assert self.server.metric("parlance_ready") == 0

    async def connected(self, connections=4):
        """All connections are there that there should be."""
        await eventually(lambda: self.metric("connections") == connections, "all connections")

    async def growth(self, name, by=1):
        """Returns a function that waits until the metric has grown since now."""
        goal = self.metric(name) + by

        async def wait():
            await eventually(lambda: self.metric(name) >= goal, f"more of {name}")

        return wait

    def end(self):
        """Everything is well again: the server finds that out by itself, and ends as it should."""
        if not self.own_cluster:
            self.cluster.afresh()
        if self.proxy:
            self.proxy.heal()
        if self.server.process is not None:
            until(lambda: self.server.get("/readyz")[0] == 200, "a server that is ready again")
            self.server.stop()
        if self.proxy:
            self.proxy.close()
        if not self.own_cluster:
            self.cluster.drop(self.database)
