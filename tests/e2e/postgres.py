# SPDX-License-Identifier: BSD-2-Clause
"""The real PostgreSQL, for tests: clusters in temporary folders, on Unix sockets.

    cluster = Cluster().start()
    cluster.create("mine")                    # a database
    cluster.conninfo("mine")
    cluster.sql("SELECT 1", "mine")           # through psql
    cluster.kill(); cluster.start()           # kill -9, and recovery
    cluster.remove()

PostgreSQL refuses to run as root, so root has it run as `postgres`, or as `nobody`. Whatever
becomes of the tests, kill -9 too, a keeper that waits at the other end of a pipe
ends the cluster and removes its folder.

As a program it runs a command with a cluster of its own, and ends with its status;
77, which is how a test says that it was skipped, when PostgreSQL is not installed:

    postgres.py [-c NAME=VALUE]... COMMAND [ARGUMENT]...
    postgres.py --which                       prints where PostgreSQL's programs are
"""
import atexit
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SECONDS = 60 * float(os.environ.get("PARLANCE_TEST_TIME_FACTOR", "1"))
OWNER = "parlance"  # the role that owns everything
SKIPPED = 77

# Ends the cluster in folder $1 when its standard input ends. A postmaster is known by where it
# works, not only by its number, which may be another's by now.
KEEPER = """
read -r _
data=$1/data
pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) && [ "/proc/$pid/cwd" -ef "$data" ] &&
	kill -QUIT "$pid" && while [ "/proc/$pid/cwd" -ef "$data" ]; do sleep 0.02; done
rm -rf "$1"
"""


def programs():
    """The folder of the newest PostgreSQL; None: there is none."""
    def version(path):
        return [int(number) for number in re.findall(r"\d+", path)]

    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=version, reverse=True)
    folders += [os.path.dirname(shutil.which("postgres") or "")]
    for folder in filter(None, folders):
        if all(os.access(os.path.join(folder, name), os.X_OK)
               for name in ("initdb", "postgres", "psql")):
            return folder
    return None


def identity():
    """How to start a program as somebody whom PostgreSQL runs for: arguments of Popen."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("no user that PostgreSQL could run as: it refuses to run as root")


def place(on_disk):
    """Where a cluster's folder goes: memory, if it has room, makes databases five times faster.
    None: TMPDIR or /tmp."""
    memory = "/dev/shm"
    if on_disk or "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return None
    room = os.statvfs(memory)
    return memory if room.f_bavail * room.f_frsize > 2 ** 30 else None


def works_in(pid, folder):
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", folder)
    except OSError:
        return False  # gone, or dead and not buried


def until(probe, what):
    end = time.monotonic() + SECONDS
    while not probe():
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.005)


class Cluster:
    """One cluster. Settings are those of postgresql.conf. Nothing is synced by itself: what
    PostgreSQL has written survives its kill -9 all the same."""

    def __init__(self, on_disk=False, **settings):
        self.bin = programs()
        if self.bin is None:
            raise RuntimeError("PostgreSQL is not installed")
        self.identity = identity()
        self.process = None
        self.prefix = []  # a program that replaces itself by PostgreSQL
        self.folder = tempfile.mkdtemp(prefix="parlance-pg-", dir=place(on_disk))
        self.data = os.path.join(self.folder, "data")
        self.log_path = os.path.join(self.folder, "log")
        if self.identity:
            os.chown(self.folder, self.identity["user"], self.identity["group"])
        self.keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", self.folder], stdin=subprocess.PIPE, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        atexit.register(self.remove)
        self.run("initdb", "-D", self.data, "-U", OWNER, "-A", "trust", "-E", "UTF8",
                 "--locale=C", "--no-sync", "--no-instructions")
        self.configure(listen_addresses="", unix_socket_directories=self.folder,
                       shared_buffers="16MB", max_connections="100", max_wal_size="128MB",
                       log_line_prefix="%m [%p] %d ", fsync="off", full_page_writes="off",
                       # in the folder, which goes in the end, also after kill -9
                       dynamic_shared_memory_type="mmap")
        self.configure(**settings)

    def configure(self, **settings):
        """For the next start(), or reload(). The last word on a setting counts."""
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            for name, value in settings.items():
                quoted = str(value).replace("'", "''")
                file.write(f"{name} = '{quoted}'\n")

    def run(self, name, *arguments, **options):
        """One of PostgreSQL's own programs; returns what it printed."""
        done = subprocess.run(
            [os.path.join(self.bin, name), *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
            timeout=SECONDS, cwd=self.folder, env=dict(os.environ, LC_ALL="C"),
            **self.identity, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{name} {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    # --- its life

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, os.path.join(self.bin, "postgres"), "-D", self.data],
                stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                env=dict(os.environ, LC_ALL="C"), **self.identity)
        until(self.ready, "a cluster that is ready")
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError("PostgreSQL did not start:\n" + self.log())
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
                lines = file.read().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(self.process.pid) and len(lines) > 7 and lines[7].strip() == "ready"

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, number=signal.SIGINT):
        """SIGTERM waits for all clients to leave, SIGINT throws them out, SIGQUIT just ends."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(SECONDS)
            self.process = None

    def kill(self):
        """kill -9 of the postmaster. Its children notice and end; only then can there be another.
        start() cleans up what they left in shared memory."""
        children = self.children()
        self.process.kill()
        self.process.wait()
        self.process = None
        until(lambda: not any(works_in(child, self.data) for child in children),
              "the end of the killed postmaster's children")

    def children(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]

    def backends(self, database):
        """Those that serve this database's clients."""
        return [int(pid) for pid in self.sql(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            f" AND datname = '{database}'").split()]

    def remove(self):
        """Ends it and removes its folder."""
        atexit.unregister(self.remove)
        self.keeper.communicate()
        if self.process is not None:
            self.process.wait()
            self.process = None

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    # --- what is in it

    def conninfo(self, database="postgres", user=OWNER):
        return f"host={self.folder} user={user} dbname={database}"

    def sql(self, text, database="postgres", user=OWNER):
        """The rows' values, as psql prints them: columns apart by |."""
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d",
                        self.conninfo(database, user), "-c", text).rstrip("\n")

    def create(self, database):
        self.sql(f'CREATE DATABASE "{database}"')

    def drop(self, database):
        """Also while somebody is connected."""
        self.sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def main(arguments):
    settings = {}
    while arguments[:1] == ["-c"] and len(arguments) > 1:
        name, _, value = arguments[1].partition("=")
        settings[name] = value
        arguments = arguments[2:]
    if not arguments or (arguments[0].startswith("-") and arguments != ["--which"]):
        sys.exit("usage: postgres.py --which | [-c NAME=VALUE]... COMMAND [ARGUMENT]...")
    if programs() is None:
        print("left out: PostgreSQL is not installed")
        return SKIPPED
    if arguments == ["--which"]:
        print(programs())
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cluster = Cluster(**settings).start()
    try:
        env = dict(os.environ, PGHOST=cluster.folder, PGUSER=OWNER, PGDATABASE="postgres",
                   PATH=cluster.bin + os.pathsep + os.environ.get("PATH", ""))
        return subprocess.run(arguments, env=env, check=False).returncode
    finally:
        cluster.remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
