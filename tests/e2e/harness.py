# SPDX-License-Identifier: BSD-2-Clause
"""Starts the real parlanced and talks to it as a client would.

Server  one parlanced process with a config and data in a directory of its own
cluster the PostgreSQL of this test run: postgres.py
Client  one WebSocket connection of one device: client.py
Raw     one TCP connection, for bytes that no proper client would send: wire.py

Nothing here sleeps: whatever is waited for is waited for by its condition,
with a deadline that only a broken server reaches. That something did NOT
happen is shown by what comes next in order: events are strictly ordered on a
connection, so the event of a later request proves that there was none before.
"""
import asyncio
import functools
import glob
import itertools
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from client import Client
from postgres import Cluster
from recording import Recording
from wire import DEADLINE, Raw, connections

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
IO_THREADS = os.environ.get("PARLANCE_TEST_IO_THREADS", "auto")
STORAGE = os.environ.get("PARLANCE_TEST_STORAGE", "sqlite")
DURABLE = "sqlite" if STORAGE == "memory" else STORAGE  # for tests that stop and start a server

SANITIZER = re.compile(
    r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error: ")
READY = re.compile(r"\bready\b.*ws://")


# ------------------------------------------------------------ the build tree

def build_dir():
    return os.path.abspath(os.environ.get("PARLANCE_BUILD", os.path.join(ROOT, "build")))


def program(name, env):
    path = os.environ.get(env) or os.path.join(build_dir(), name)
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"{path} is not there: run `make check`, or set {env} or PARLANCE_BUILD")
    return os.path.abspath(path)


def parlanced():
    return program("parlanced", "PARLANCED")


@functools.cache
def sanitizer():
    """What the server is built with, if it is: asan, tsan."""
    with open(parlanced(), "rb") as file:
        text = file.read()
    return next((name for name in ("asan", "tsan") if f"__{name}_init".encode() in text), None)


def sanitized():
    """Whether the server is built with a sanitizer: it needs more memory then, by much."""
    return sanitizer() is not None


def parlance_cli():
    return program("parlance-cli", "PARLANCE_CLI")


def history_check():
    beside = os.path.join(os.path.dirname(parlanced()), "parlance-history-check")
    return os.environ.get("PARLANCE_HISTORY_CHECK") or beside


def modules(env, *patterns):
    """name -> path of the plugins in the folders of `env`, or of the build tree."""
    folders = os.environ.get(env)
    if folders:
        patterns = [os.path.join(folder, "*.so") for folder in folders.split(":")]
    else:
        patterns = [os.path.join(build_dir(), pattern) for pattern in patterns]
    found = {}
    for path in itertools.chain.from_iterable(map(glob.glob, patterns)):
        found[os.path.basename(path)[:-len(".so")]] = os.path.abspath(path)
    return found


def real_plugins():
    return modules("PLUGIN_DIR", "plugins/.libs/*.so", "plugins/*/.libs/*.so", ".libs/*.so")


def zoo_plugins():
    return modules("ZOO_DIR", "tests/zoo/.libs/*.so")


# --------------------------------------------------------------- PostgreSQL

@functools.cache
def cluster():
    """The one that all servers of a test run share, each with a database of its own."""
    return Cluster().start()


def end_cluster():
    if cluster.cache_info().currsize:
        cluster().remove()


class Database:
    """The database of whoever has its data in this directory, made when it is asked for."""

    names = {}  # directory -> name
    numbers = itertools.count(1)

    @classmethod
    def of(cls, directory):
        """Its conninfo."""
        if directory not in cls.names:
            cls.names[directory] = f"server_{next(cls.numbers)}"
            cluster().create(cls.names[directory])
        return cluster().conninfo(cls.names[directory])

    @classmethod
    def drop(cls, directory):
        name = cls.names.pop(directory, None)
        if name is not None:
            cluster().drop(name)


# ------------------------------------------------------------------- config

def default_config(directory, storage=None):
    storage = storage or STORAGE
    plugins = {"auth_insecure": {}, "messaging": {}, "typing": {}, "groups": {}}
    if storage == "sqlite":
        plugins["storage_sqlite"] = {"path": os.path.join(directory, "parlance.db")}
    elif storage == "postgres":
        plugins["storage_postgres"] = {}  # spawn() has its conninfo, if nobody else has
    else:
        plugins["storage_memory"] = {}
    return {
        "server": {
            "listen": ["ws://127.0.0.1:0"],
            "http": "127.0.0.1:0",
            "plugin_dir": os.path.join(directory, "plugins"),
            "io_threads": IO_THREADS if IO_THREADS == "auto" else int(IO_THREADS),
        },
        "plugins": plugins,
    }


def yaml(config):
    """The config as an operator would write it: blocks outside, flow inside.
    Words such as 20s stand bare; whatever could be read otherwise is quoted."""
    def flow(value):
        if isinstance(value, bool) or value is None:
            return json.dumps(value)
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_./-]+", value):
            return value
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(flow, value)) + "]"
        return json.dumps(value)

    lines = []
    for section, values in config.items():
        if not isinstance(values, dict):
            lines.append(f"{section}: {flow(values)}")
            continue
        lines.append(f"{section}:")
        lines += [f"  {key}: {flow(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------- server

class Server:
    """One parlanced. start() again after a stop or a kill runs it on the same data."""

    everyone = []  # all that were ever started, for the log of a failed test

    def __init__(self, directory, server=None, plugins=None, zoo=(), storage=None, text=None,
                 args=(), env=None, prefix=(), record=False):
        self.directory = str(directory)
        self.config = default_config(self.directory, storage)
        self.config["server"].update(server or {})
        for name, options in (plugins or {}).items():
            if options is None:
                self.config["plugins"].pop(name, None)
            else:
                self.config["plugins"].setdefault(name, {}).update(options)
        self.text = text
        self.args = list(args)
        self.env = dict(os.environ, **(env or {}))
        self.prefix = list(prefix)  # a program that replaces itself by parlanced
        self.path = os.path.join(self.directory, "parlanced.yaml")
        self.recording = None
        if record:
            self.record()
        self.lines = []
        self.news = threading.Condition()
        self.process = None
        self.ws_port = self.http_port = None
        self.link_plugins(zoo)

    def link_plugins(self, zoo):
        folder = os.path.join(self.directory, "plugins")
        os.makedirs(folder, exist_ok=True)
        wanted = real_plugins()
        wanted.update((name, zoo_plugins()[name]) for name in zoo)
        for name, path in wanted.items():
            link = os.path.join(folder, name + ".so")
            if not os.path.lexists(link):
                os.symlink(path, link)

    def spawn(self):
        if "storage_postgres" in self.config["plugins"]:
            options = self.config["plugins"]["storage_postgres"]
            if "conninfo" not in options:
                options["conninfo"] = Database.of(self.directory)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(self.text if self.text is not None else yaml(self.config))
        self.process = subprocess.Popen(
            [*self.prefix, parlanced(), "--config", self.path, *self.args], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.env)
        self.reader = threading.Thread(target=self.read_log, args=(self.process.stderr,),
                                       daemon=True)
        self.reader.start()
        if self not in Server.everyone:
            Server.everyone.append(self)

    def retire(self):
        """It is not started again: what it stored goes."""
        Database.drop(self.directory)
        if self in Server.everyone:
            Server.everyone.remove(self)

    def start(self):
        self.forget_log()
        self.spawn()
        line = self.wait_log(READY)
        self.ws_port = int(re.search(r"ws://[^\s\"]*:(\d+)", line).group(1))
        http = re.search(r"http://[^\s\"]*:(\d+)", line)
        self.http_port = int(http.group(1)) if http else None
        if sanitizer() == "tsan" and "http://127.0.0.1:" in line:
            # gcc 12's TSan loses the signal that comes while a thread enters its first call
            # that blocks. The loop has been in epoll_wait() when this is answered.
            self.get("/healthz")
        return self

    def start_and_fail(self):
        """Starts a server that must refuse to start; returns what it said."""
        self.forget_log()
        self.spawn()
        status = self.wait()
        self.process = None
        log = self.log()
        assert status > 0, f"status {status}, not a plain refusal:\n{log}"
        assert not SANITIZER.search(log), log
        assert not READY.search(log), "it said that it was ready:\n" + log
        return log

    def read_log(self, pipe):
        for raw in pipe:
            with self.news:
                self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.lines.append(None)  # the end
            self.news.notify_all()

    def forget_log(self):
        with self.news:
            self.lines = []

    def log(self):
        with self.news:
            return "\n".join(line for line in self.lines if line is not None)

    def wait_log(self, pattern, after=0):
        """The first line that matches, waited for. `after`: skip so many lines."""
        pattern = re.compile(pattern)
        end = time.monotonic() + DEADLINE
        with self.news:
            while True:
                for line in self.lines[after:]:
                    if line is not None and pattern.search(line):
                        return line
                left = end - time.monotonic()
                if self.lines and self.lines[-1] is None or left <= 0:
                    break
                self.news.wait(left)
        raise AssertionError(f"no line {pattern.pattern!r} in the server's log:\n{self.log()}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end, which a server that does not come to it is brought to."""
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("parlanced did not end:\n" + self.log()) from None
        finally:
            self.reader.join(DEADLINE)
        return status

    def kill(self):
        """kill -9: no chance to write anything."""
        self.process.kill()
        self.wait()
        assert not SANITIZER.search(self.log()), self.log()

    def stop(self):
        """SIGTERM; a sound server drains, and ends with status 0 and nothing to report."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        status = self.wait()
        log = self.log()
        assert not SANITIZER.search(log), log
        assert status in (0, -signal.SIGKILL), f"parlanced ended with status {status}:\n{log}"
        self.process = None

    async def end(self):
        """stop() while clients of the running test are connected, who must answer."""
        await in_thread(self.stop)

    async def restart(self):
        await self.end()
        self.start()

    def get(self, path):
        """GET on the HTTP port: (status, body)."""
        url = f"http://127.0.0.1:{self.http_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        """The sum of a metric's samples, whatever their labels."""
        status, body = self.get("/metrics")
        assert status == 200
        values = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", body, re.M)
        assert values, f"no metric {name} in\n{body}"
        return sum(map(float, values))

    def rss(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024

    def url(self, user=None, device=None, path="/ws", **query):
        if user is not None:
            query["user"] = user
        if device is not None:
            query["device"] = device
        query = urllib.parse.urlencode(query)
        return f"ws://127.0.0.1:{self.ws_port}{path}" + ("?" + query if query else "")

    async def connect(self, user, device=None, auto_ack=True, **options):
        return await Client(self, user, device, auto_ack).open(**options)

    def record(self):
        """Before its first client comes: what all clients see is written down for judge()."""
        self.recording = Recording(os.path.join(self.directory, "recording.jsonl"))

    def caught_up(self, user, device=None):
        """The device has received every answer and every event that there is for it:
        what judge() finds that it has not is lost."""
        self.recording.note("caught-up", user=user, device=device or "default")

    async def raw(self, user=None, **query):
        """A Raw connection; with a user, after its handshake."""
        raw = await Raw(self.ws_port).open()
        if user is not None:
            await raw.handshake(self.url(user, **query))
        return raw


def judge(server):
    """Fails when what the clients of this server (made with record=True) saw breaks a
    promise of docs/protocol.md."""
    window = server.config["server"].get("ack_window", 256)
    check = subprocess.run(
        [history_check(), "--summary", "--window", str(window), server.recording.path],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert check.returncode == 0, check.stdout


async def end_connections():
    """What a test left open, closed; called after every test."""
    open_ones = connections.copy()
    connections.clear()
    for connection in open_ones:
        await connection.kill()


async def within(awaitable, seconds=DEADLINE):
    return await asyncio.wait_for(awaitable, seconds)


async def in_thread(function, *arguments):
    """Calls what blocks, while clients of the running test go on."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


async def eventually(probe, what, seconds=DEADLINE):
    """Polls for what the server shows only over HTTP or in a file: probe() until
    it is true. It yields to the loop between two looks; there is no event to wait on."""
    end = time.monotonic() + seconds
    while True:
        value = await in_thread(probe)
        if value:
            return value
        assert time.monotonic() < end, f"never came: {what}"
        await asyncio.sleep(0.01)
