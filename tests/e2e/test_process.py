# SPDX-License-Identifier: BSD-2-Clause
"""The process as its operator sees it: options, config, signals, HTTP."""
import asyncio
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from harness import DURABLE, eventually, parlanced, within
from wire import DEADLINE, PING, PONG, TEXT, frame


def run(*args):
    return subprocess.run([parlanced(), *args], capture_output=True, text=True, timeout=DEADLINE,
                          stdin=subprocess.DEVNULL, check=False)


# ---------------------------------------------------------------- arguments

def test_version():
    done = run("--version")
    assert done.returncode == 0 and re.match(r"parlanced? \d+\.\d+\.\d+", done.stdout)


def test_help():
    done = run("--help")
    assert done.returncode == 0
    for option in ("--config", "--check-config", "--migrate", "--set", "--version",
                   "--help-plugin"):
        assert option in done.stdout


@pytest.mark.parametrize("args", [["--nonsense"], ["--config"], ["--help-plugin"],
                                  ["--config", "/nowhere/x.yaml"], ["surplus"]])
def test_bad_arguments(args):
    """Status and a message, never a server with settings that nobody asked for."""
    done = run(*args)
    assert done.returncode not in (0, None) and done.returncode > 0
    assert done.stderr.strip()
    assert "ready" not in done.stderr


def test_help_plugin(make_server):
    server = make_server(zoo=["zoo_tame"])
    folder = os.path.join(server.directory, "plugins")
    with open(server.path, "w", encoding="utf-8") as file:
        file.write(f"server:\n  plugin_dir: {folder}\n")
    done = run("--config", server.path, "--help-plugin", "zoo_tame")
    assert done.returncode == 0, done.stderr
    for word in ("Does everything right.", "greeting", "hello", "paws", "4", "2", "8",
                 "How many it has."):
        assert word in done.stdout, done.stdout
    done = run("--config", server.path, "--help-plugin", "zoo_ghost")
    assert done.returncode > 0 and "zoo_ghost" in done.stderr


# ------------------------------------------------------------------- config

def check(server, *more):
    server.args = ["--check-config", *more]
    server.spawn()
    return server.wait(), server.log()


def test_check_config(make_server):
    server = make_server()
    status, log = check(server)
    assert status == 0, log
    assert not os.path.exists(os.path.join(server.directory, "parlance.db")), \
        "--check-config must not touch the data"


def test_the_config_of_the_manual_works_as_it_stands(make_server):
    server = make_server()
    server.text = f"""server:
  listen: ["ws://127.0.0.1:0"]          # or "wss://[::]:8443" with tls: {{certificate: ..., key: ...}}
  http: 127.0.0.1:0                     # /healthz /readyz /metrics and plugin routes
  plugin_dir: {server.directory}/plugins
  io_threads: auto                         # 0: everything on one thread
  max_bad_messages: 20
plugins:
  auth_insecure: {{}}                        # ?user=NAME; refuses to start unless every listener is loopback
  storage_sqlite: {{path: {server.directory}/parlance.db}}
  messaging:
  typing: {{}}
include: {server.directory}/conf.d/*.yaml       # optional; each adds sections, a key given twice is an error that names both places
"""
    server.start()


BAD_CONFIGS = {
    # name: (text, line of the complaint, words in it)
    "unknown key": ("server:\n  lissten: [\"ws://127.0.0.1:0\"]\n", 2, ["lissten", "listen"]),
    "unknown section": ("sever:\n  x: 1\n", 1, ["sever", "server"]),
    "unknown option of a plugin": ("plugins:\n  messaging:\n    max_txt: 1k\n", 3,
                                   ["max_txt", "max_text"]),
    "not a number": ("server:\n  max_bad_messages: many\n", 2, ["max_bad_messages", "many"]),
    "out of range": ("server:\n  ack_window: 0\n", 2, ["ack_window"]),
    "negative": ("server:\n  ack_window: -4\n", 2, ["ack_window"]),
    "not a size": ("server:\n  max_message_size: 64q\n", 2, ["max_message_size", "64q"]),
    "not a duration": ("server:\n  ping_interval: 20 parsecs\n", 2, ["ping_interval"]),
    "duration without unit": ("server:\n  ping_interval: 20\n", 2, ["ping_interval"]),
    "not a choice": ("server:\n  session_policy: maybe\n", 2, ["session_policy", "replace"]),
    "not an address": ("server:\n  listen: [\"http://127.0.0.1:80\"]\n", 2, ["listen"]),
    "port out of range": ("server:\n  listen: [\"ws://127.0.0.1:65536\"]\n", 2, ["listen"]),
    "key given twice": ("server:\n  ack_window: 4\n  ack_window: 5\n", 3, ["ack_window", ":2"]),
    "no YAML": ("server: [\n", None, []),
    "a list for a section": ("server: [1]\n", 1, ["server"]),
    "a section for a value": ("server:\n  ack_window: {a: 1}\n", 2, ["ack_window"]),
    "nothing but a word": ("hello\n", None, []),
}


@pytest.mark.parametrize("how", [["--check-config"], []])
@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_bad_config(make_server, name, how):
    """Named by file and line, with what was expected."""
    text, line, words = BAD_CONFIGS[name]
    server = make_server()
    if "plugins:" not in text:
        text += "plugins:\n  auth_insecure: {}\n  storage_memory: {}\n"
    else:
        text = text.replace("plugins:\n", "", 1)
        text = f"plugins:\n{text}  auth_insecure: {{}}\n  storage_memory: {{}}\n"
    if "server:" not in text:
        text += f"server:\n  plugin_dir: {server.directory}/plugins\n"
    server.text = text
    server.args = how
    if not text.count("plugin_dir"):
        server.args = [*how, "--set", f"server.plugin_dir={server.directory}/plugins"]
    log = server.start_and_fail()
    place = f"parlanced.yaml:{line}" if line else "parlanced.yaml:"
    complaint = next((l for l in log.split("\n") if place in l), None)
    assert complaint, log
    for word in words:
        assert word in complaint, complaint


def test_include(make_server):
    """Sections from other files; a key given twice names both places."""
    server = make_server()
    folder = os.path.join(server.directory, "conf.d")
    os.mkdir(folder)
    del server.config["plugins"]["typing"]
    server.config["include"] = folder + "/*.yaml"
    with open(os.path.join(folder, "typing.yaml"), "w", encoding="utf-8") as file:
        file.write("plugins:\n  typing: {typing_interval: 2s}\n")
    server.start()
    server.stop()
    with open(os.path.join(folder, "second.yaml"), "w", encoding="utf-8") as file:
        file.write("server:\n  io_threads: 1\n")
    log = server.start_and_fail()
    assert "second.yaml:2" in log and "parlanced.yaml:" in log


async def test_set(make_server):
    server = make_server()
    server.args = ["--set", "server.max_message_size=1k", "--set", "plugins.typing={}",
                   "--set", "plugins.messaging.max_text=10"]
    del server.config["plugins"]["typing"]
    server.start()
    alice, bob = await server.connect("alice"), await server.connect("bob")
    await alice.event("typing", {"chatId": "bob"})
    await bob.expect_event("typing")
    await alice.new("bob", "x" * 10)
    await alice.fails("too_large", "new", {"chatId": "bob", "message": "x" * 11})
    await alice.send(" " * 1025)
    assert await alice.closed() == 1009


@pytest.mark.parametrize("override", ["server.nonsense=1", "nonsense", "server.ack_window=x",
                                      "server=", "=1"])
def test_bad_set(make_server, override):
    server = make_server()
    server.args = ["--set", override]
    log = server.start_and_fail()
    assert "--set" in log or "nonsense" in log or "ack_window" in log


def test_no_auth_plugin(make_server):
    log = make_server(plugins={"auth_insecure": None}).start_and_fail()
    assert "auth" in log


def test_no_storage_plugin(make_server):
    server = make_server(storage="memory", plugins={"storage_memory": None})
    assert "storage" in server.start_and_fail()


@pytest.mark.parametrize("listen", [["ws://0.0.0.0:0"], ["ws://127.0.0.1:0", "ws://0.0.0.0:0"],
                                    ["ws://[::]:0"]])
def test_auth_insecure_is_for_loopback(make_server, listen):
    server = make_server(server={"listen": listen})
    for how in ([], ["--check-config"]):
        server.args = how
        log = server.start_and_fail()
        assert "auth_insecure" in log and "loopback" in log


def test_port_in_use(make_server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        log = make_server(server={"listen": [f"ws://127.0.0.1:{port}"]}).start_and_fail()
        assert f"127.0.0.1:{port}" in log and "in use" in log
        log = make_server(server={"http": f"127.0.0.1:{port}"}).start_and_fail()
        assert f"127.0.0.1:{port}" in log and "in use" in log


async def test_a_second_server_on_the_same_port(start_server, make_server):
    """SO_REUSEPORT, which our own threads share a port with, must not let two
    servers share one."""
    first = start_server()
    log = make_server(server={"listen": [f"ws://127.0.0.1:{first.ws_port}"]}).start_and_fail()
    assert f"127.0.0.1:{first.ws_port}" in log
    await (await first.connect("alice")).ok("chats")


async def test_two_listeners(make_server):
    server = make_server(server={"listen": ["ws://127.0.0.1:0", "ws://127.0.0.1:0"]})
    server.start()
    ports = re.findall(r"ws://127\.0\.0\.1:(\d+)", server.wait_log("ready"))
    assert len(set(ports)) == 2
    clients = []
    for port, name in zip(ports, ("alice", "bob")):
        server.ws_port = int(port)
        clients.append(await server.connect(name))
    await clients[0].new("bob")
    await clients[1].expect_event("new", chatId="alice")


# ------------------------------------------------------------------ signals

async def test_sigterm_drains(start_server):
    """Requests in flight are answered, then everybody is told 1001, and the
    status is 0. What was answered is in the storage afterwards."""
    own = start_server(storage=DURABLE)
    alice, bob = await own.connect("alice"), await own.connect("bob")
    idle = await own.connect("idle")
    answered = 0
    requests = [await alice.begin("new", {"chatId": "bob", "message": str(i)})
                for i in range(100)]
    await alice.response(requests[0])
    own.signal(signal.SIGTERM)
    assert await alice.closed() == 1001
    assert await bob.closed() == 1001
    assert await idle.closed() == 1001
    for request in requests:
        for answer in alice.responses.get(request, []):
            assert "error" not in answer or answer["error"]["code"] == "unavailable", answer
            answered += "payload" in answer
    assert await within(asyncio.get_running_loop().run_in_executor(None, own.wait)) == 0
    await own.end()
    own.start()
    alice = await own.connect("alice")
    page = await alice.ok("messages", {"chatId": "bob", "count": 500})
    assert len(page["messages"]) >= answered + 1


async def test_sigterm_waits_for_a_slow_request(start_server):
    own = start_server(zoo=["zoo_wild"], plugins={"zoo_wild": {}})
    alice = await own.connect("alice")
    request = await alice.begin("zoo.late", {"delay": 300})
    await alice.barrier()
    own.signal(signal.SIGTERM)
    assert (await alice.response(request))["payload"]["zoo"] == "late"
    assert await alice.closed() == 1001


async def test_sigterm_does_not_wait_for_ever(start_server):
    """drain_timeout ends what does not end by itself."""
    own = start_server(zoo=["zoo_wild"], plugins={"zoo_wild": {}},
                       server={"drain_timeout": "200ms", "request_timeout": "10m"})
    alice = await own.connect("alice")
    await alice.begin("zoo.never")
    raw = await own.raw("deaf")  # will not answer the close frame
    await alice.barrier()
    own.signal(signal.SIGTERM)
    await alice.closed()
    await raw.rest()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_right_after_the_start(start_server, number):
    own = start_server()
    own.signal(number)
    assert own.wait() == 0


async def test_sighup_keeps_everybody(start_server):
    own = start_server()
    alice = await own.connect("alice")
    own.signal(signal.SIGHUP)
    await alice.ok("chats")
    own.signal(signal.SIGHUP)
    await alice.ok("chats")
    await (await own.connect("bob")).ok("chats")


async def test_sigusr1_reopens_the_log(start_server, tmp_path):
    log = tmp_path / "parlanced.log"
    own = start_server_with_log(start_server, log)
    moved = tmp_path / "parlanced.log.1"
    os.rename(log, moved)
    own.signal(signal.SIGUSR1)
    await eventually(log.exists, "a new log file")
    await (await own.connect("alice")).ok("chats")
    await own.end()
    assert "auth_insecure" in moved.read_text()
    assert log.read_text().strip()


def start_server_with_log(start_server, log):
    """Its ready line is on stderr all the same: it is a promise to scripts."""
    return start_server(server={"log_file": str(log)})


def test_log_as_json(make_server, tmp_path):
    log = tmp_path / "parlanced.log"
    server = make_server(server={"log_file": str(log), "log_format": "json"})
    server.start()
    server.stop()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines and all({"ts", "level", "msg"} <= set(line) for line in lines)


async def test_the_log_holds_no_text_of_messages(start_server):
    own = start_server(server={"log_level": "debug"})
    alice = await own.connect("alice")
    await alice.new("bob", "a secret between us")
    await alice.send('{"broken": "a secret between us"')
    await alice.response(None)
    await own.end()
    assert "secret between" not in own.log()


# --------------------------------------------------------------------- HTTP

def test_health_and_metrics(server):
    status, _ = server.get("/healthz")
    assert status == 200
    status, _ = server.get("/readyz")
    assert status == 200
    status, body = server.get("/metrics")
    assert status == 200
    for line in body.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) parlance_\w+ .*|parlance_\w+(\{[^}]*\})? -?[0-9.e+]+",
                            line), line
    assert server.get("/nothing")[0] == 404


async def test_metrics_count(start_server):
    own = start_server()
    alice, bob = await own.connect("alice"), await own.connect("bob")
    assert own.metric("parlance_sessions") == 2
    for _ in range(3):
        await alice.new("bob")
    assert own.metric("parlance_messaging_messages_total") == 3
    await bob.close()
    await eventually(lambda: own.metric("parlance_sessions") == 1, "one session left")


async def test_readyz_while_draining(start_server):
    own = start_server(zoo=["zoo_wild"], plugins={"zoo_wild": {}})
    alice = await own.connect("alice")
    request = await alice.begin("zoo.late", {"delay": 1500})
    await alice.barrier()
    own.signal(signal.SIGTERM)

    def not_ready():
        try:
            return own.get("/readyz")[0] == 503
        except OSError:
            raise AssertionError("gone before it said that it was not ready") from None

    await eventually(not_ready, "503")
    assert own.get("/healthz")[0] == 200
    await alice.response(request)


def test_http_off(make_server):
    server = make_server()
    server.config["server"]["http"] = "off"
    server.start()
    assert server.http_port is None


# ------------------------------------------------------------------ clients

async def test_thousand_connections(start_server):
    """Opened and broken off in every state; the server ends with none."""
    own = start_server()
    for _ in range(10):
        raws = [await own.raw() for _ in range(20)]
        opened = await asyncio.gather(*(own.connect(f"user {i}") for i in range(80)))
        for i, raw in enumerate(raws):
            await raw.send(b"GET /ws"[:i % 8])
        await asyncio.gather(*(c.ok("chats") for c in opened[:10]))
        for client in opened[::2]:
            await client.kill()
        await asyncio.gather(*(client.close() for client in opened[1::2]))
        for raw in raws:
            await raw.kill()
    await eventually(lambda: own.metric("parlance_sessions") == 0, "no session left")


async def test_ping_goes_on_while_a_plugin_is_slow(start_server):
    """With I/O threads a callback that keeps the core does not keep them."""
    own = start_server(server={"io_threads": 1}, zoo=["zoo_wild"], plugins={"zoo_wild": {}})
    raw = await own.raw("alice")
    await raw.send(frame(TEXT, b'{"type":"request","id":"s","payloadType":"zoo.slow",'
                               b'"payload":{"ms":500}}') + frame(PING, b"still there?"))
    assert await raw.frame_of(PONG) == b"still there?"
    assert json.loads(await raw.frame_of(TEXT))["id"] == "s"
