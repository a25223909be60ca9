# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of faults need of a cluster (postgres.py) beyond its life: somebody
else's sessions, standbys, who may come in how, and an end of all its processes at once.

    cluster = Cluster().start()
    with cluster.session("mine") as other:     # a connection that stays
        other.run("BEGIN; SELECT ... FOR UPDATE")
    cluster.set(default_transaction_read_only="on")   # in force when it returns
    cluster.access("local all all scram-sha-256")
    standby = Standby(cluster).start(); standby.promote()
"""
import contextlib
import os
import signal
import subprocess

import postgres
from postgres import OWNER, until

TRUST = "local all all trust", "local replication all trust"


class Cluster(postgres.Cluster):
    """A cluster whose faults are made."""

    def __init__(self, **settings):
        self.changed = False
        super().__init__(**{"max_connections": 40, "max_wal_size": "64MB", **settings})

    def set(self, **settings):
        """None: as it was by itself."""
        for name, value in settings.items():
            self.sql(f"ALTER SYSTEM RESET {name}" if value is None else
                     f"ALTER SYSTEM SET {name} = '{value}'")
        self.changed = True
        self.reload_now()

    def access(self, *lines):
        """pg_hba.conf; none: everybody is trusted. Tests come in as OWNER whatever it says."""
        self.write_access(*lines)
        self.changed = True
        self.reload_now()

    def write_access(self, *lines):
        lines = lines or TRUST
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write("\n".join([f"local all {OWNER} trust", *lines]) + "\n")

    def reload_now(self):
        """Returns when the postmaster has read it all, so that it holds for whoever comes now."""
        before = self.sql("SELECT pg_conf_load_time()")
        self.reload()
        until(lambda: self.sql("SELECT pg_conf_load_time()") != before, "settings in force")

    def afresh(self):
        """It runs, and has no setting and no rule that a test gave it."""
        settings = os.path.join(self.data, "postgresql.auto.conf")
        if self.process is not None:
            self.thaw()
            if not self.changed:
                return
            self.stop()
        with open(settings, "w", encoding="ascii"):
            pass
        self.write_access()
        self.start()
        self.changed = False

    def freeze(self):
        """All its processes stand still: connections are neither answered nor ended."""
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def kill_all(self):
        """kill -9 of all its processes at once, as if the machine lost its power."""
        self.freeze()
        for pid in self.children():
            os.kill(pid, signal.SIGKILL)
        self.kill()

    def signal_all(self, number):
        """The postmaster first: stopped, it makes no new ones."""
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def terminate(self, database, among="true"):
        """An administrator ends its clients' connections. Returns how many."""
        return int(self.sql(
            "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            f" AND datname = '{database}' AND {among}) AS ended"))

    def restart(self, number=signal.SIGINT):
        self.stop(number)
        self.start()

    def session(self, database, user=OWNER):
        return Session(self.bin, self.conninfo(database, user))


class Standby(Cluster):
    """A copy of a running cluster, which follows it. With its name in the primary's
    synchronous_standby_names, nothing is committed there before it is here."""

    def __init__(self, primary, name="standby"):
        self.primary = primary
        self.name = name
        super().__init__(wal_retrieve_retry_interval="100ms")

    def run(self, name, *arguments, **options):
        """Instead of a new cluster, a copy."""
        if name != "initdb":
            return super().run(name, *arguments, **options)
        return super().run("pg_basebackup", "-D", self.data, "-X", "stream", "-c", "fast",
                           "--no-sync", "-R", "-d",
                           f"{self.primary.conninfo()} application_name={self.name}")

    def caught_up(self):
        """What is in the primary now can be seen here."""
        end = self.primary.sql("SELECT pg_current_wal_lsn()")
        until(lambda: self.sql(f"SELECT pg_last_wal_replay_lsn() >= '{end}'") == "t",
              "the standby's catching up")

    def promote(self):
        self.run("pg_ctl", "-D", self.data, "-w", "promote")


class Session:
    """A connection that somebody else has to the same database, through psql."""

    def __init__(self, folder, conninfo):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [os.path.join(folder, "psql"), "-XAtq", conninfo], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)

    def begin(self, text):
        """Begins it and does not wait: it may have to wait for somebody's lock."""
        self.process.stdin.write(text.rstrip("; \n") + ";\n\\echo -- end\n")

    def finish(self):
        """The lines that what was begun has said; errors are among them."""
        lines = []
        for line in self.process.stdout:
            if line == "-- end\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise RuntimeError("psql ended: " + "\n".join(lines))

    def run(self, text):
        """Runs it to its end, which must be a good one."""
        self.begin(text)
        lines = self.finish()
        if any(line.startswith(("ERROR:", "FATAL:")) for line in lines):
            raise RuntimeError("\n".join(lines))
        return lines

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(postgres.SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
