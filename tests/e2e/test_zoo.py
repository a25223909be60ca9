# SPDX-License-Identifier: BSD-2-Clause
"""The zoo of broken plugins (tests/zoo): each is refused with a message that says
what to do, or contained, so that nobody else notices."""
import os

import pytest
import websockets

from harness import eventually, within

# plugin: what the message must name besides the plugin itself
REFUSED = {
    "zoo_no_symbol": ["par_plugin_descriptor"],
    "zoo_wrong_magic": ["zoo_wrong_magic.so"],
    "zoo_old_abi": ["ABI 0", "1", "rebuild"],
    "zoo_new_abi": ["ABI 2", "1"],
    "zoo_new_minor": ["1.1", "1.0"],
    "zoo_short": ["descriptor", "rebuild"],
    "zoo_wrong_name": ["zoo_other_name"],
    "zoo_no_load": ["load"],
    "zoo_unresolved": ["zoo_function_of_nobody"],
    "zoo_half_load": ["the zoo has no water: open the tap"],
    "zoo_mute": ["load"],
    "zoo_start_fails": ["the zoo is closed today: come tomorrow"],
    "zoo_taken": ["new", "messaging"],
    "zoo_storage": ["storage_"],
    "zoo_auth": ["auth_insecure"],
    "zoo_needs": ["zoo_water", "plugins"],
    "zoo_circle_a": ["zoo_circle_b"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(make_server, name):
    """The server does not start, and says why; it ends in an orderly way, so what
    the plugin registered before it failed was taken back."""
    zoo = [name, "zoo_circle_b"] if name == "zoo_circle_a" else [name]
    server = make_server(zoo=zoo, plugins={animal: {} for animal in zoo})
    log = server.start_and_fail()
    line = next(l for l in log.split("\n") if name in l and l.startswith("parlanced: "))
    for word in REFUSED[name]:
        assert word in line, line


@pytest.mark.parametrize("name", ["zoo_half_load", "zoo_old_abi", "zoo_needs", "zoo_taken"])
def test_check_config_sees_it(make_server, name):
    server = make_server(zoo=[name], plugins={name: {}})
    server.args = ["--check-config"]
    assert name in server.start_and_fail()


def test_missing_file(make_server):
    log = make_server(plugins={"zoo_ghost": {}}).start_and_fail()
    assert "zoo_ghost.so" in log and "plugin_dir" in log


def test_not_a_shared_object(make_server):
    server = make_server(plugins={"zoo_text": {}})
    with open(os.path.join(server.directory, "plugins", "zoo_text.so"), "w",
              encoding="utf-8") as file:
        file.write("I am a text.\n")
    assert "zoo_text.so" in server.start_and_fail()


@pytest.mark.parametrize("name", ["../messaging", "a/b", "Messaging", "", ".hidden", "a b"])
def test_names_that_are_no_names(make_server, name):
    """A name is a word, never a path."""
    server = make_server()
    server.config["plugins"]['"' + name + '"'] = {}
    log = server.start_and_fail()
    assert "parlanced.yaml:" in log or "plugin" in log


@pytest.fixture(scope="module")
def wild(tmp_path_factory):
    import harness
    server = harness.Server(tmp_path_factory.mktemp("server"), zoo=["zoo_wild", "zoo_gate"],
                            plugins={"zoo_wild": {}, "zoo_gate": {}},
                            server={"request_timeout": "300ms", "slow_callback": "20ms",
                                    "max_bad_messages": 10000})
    server.start()
    yield server
    server.stop()
    server.retire()


async def test_never_completing(wild, users):
    """The request is answered `timeout`; other requests do not wait for it."""
    alice = await wild.connect(users("alice"))
    request = await alice.begin("zoo.never")
    await alice.ok("chats")
    answer = await alice.response(request)
    assert answer["error"]["code"] == "timeout"


async def test_completing_too_late(wild, users):
    """One answer, the time-out; the late one goes nowhere and is no fault."""
    alice = await wild.connect(users("alice"))
    await alice.fails("timeout", "zoo.late", {"delay": 400}, id="late")
    assert (await alice.ok("zoo.late", {"delay": 150}))["zoo"] == "late"
    assert not any(alice.responses.values())


async def test_completing_when_the_session_is_gone(wild, users):
    name = users("alice")
    alice = await wild.connect(name)
    await alice.begin("zoo.late", {"delay": 50})
    await alice.kill()
    again = await wild.connect(name)
    assert (await again.ok("zoo.late", {"delay": 100}))["zoo"] == "late"


async def test_completing_twice(wild, users):
    """The client gets the first answer alone; the log names the plugin."""
    alice = await wild.connect(users("alice"))
    assert (await alice.ok("zoo.twice"))["zoo"] == "first"
    await alice.barrier()
    assert len(alice.texts) == 2
    assert "level=error" in wild.wait_log("plugin=zoo_wild.*second time")


async def test_completing_what_never_was(wild, users):
    alice = await wild.connect(users("alice"))
    assert (await alice.ok("zoo.made_up"))["zoo"] == "made up"
    await alice.barrier()
    assert len(alice.texts) == 2


async def test_slow_callback_is_named(wild, users):
    alice = await wild.connect(users("alice"))
    assert (await alice.ok("zoo.slow", {"ms": 60}))["zoo"] == "slow"
    wild.wait_log("plugin=zoo_wild.*zoo.slow")


@pytest.mark.parametrize("request_type", ["zoo.open", "zoo.empty"])
async def test_reply_that_is_no_reply(wild, users, request_type):
    """An error for the one request, and the next reply is whole."""
    alice = await wild.connect(users("alice"))
    answer = await alice.request(request_type)
    assert answer["error"]["code"] in ("internal", "timeout"), answer
    assert (await alice.ok("chats"))["chats"] == []
    assert (await alice.ok("zoo.late", {"delay": 0}))["zoo"] == "late"


async def test_careless_watching(wild, users):
    """Descriptors that cannot be watched, twice or never begun: refused, and the log names
    the plugin. What it leaves behind is dropped with it: the server ends well."""
    alice = await wild.connect(users("alice"))
    for _ in range(2):
        assert (await alice.ok("zoo.watch"))["zoo"] == "watch"
    for words in ("watches already", "1000000 cannot be watched", "watch_change for a watch",
                  "watch_stop for a watch"):
        assert "level=error" in wild.wait_log("plugin=zoo_wild.*" + words)
    assert (await alice.ok("chats"))["chats"] == []


async def test_gates(wild, users):
    """Anything but ALLOW refuses; then nothing is stored and nobody is told. What
    an observer answers is nobody's concern."""
    alice, bob = users("alice", "bob")
    a, b = await wild.connect(alice), await wild.connect(bob)
    await a.new(bob, "allow")
    for text in ("deny", "nonsense"):
        await a.fails("forbidden", "new", {"chatId": bob, "message": text})
        await a.fails("forbidden", "edit", {"chatId": bob, "originalMessageId": 1,
                                            "message": text})
    assert (await a.new(bob, "allow"))["messageId"] == 2
    await b.expect_event("new", messageId=1)
    await b.expect_event("new", messageId=2)


async def test_auth_plugin_that_goes_wrong(start_server):
    """An auth that does not answer, answers twice, or names somebody who cannot
    be: nobody gets in by it, and others do."""
    own = start_server(zoo=["zoo_auth"], plugins={"zoo_auth": {}, "auth_insecure": None},
                       server={"handshake_timeout": "300ms"})
    for user in ("group", "control", "long", "empty", "silent"):
        with pytest.raises((websockets.InvalidHandshake, EOFError, ConnectionError)) as refused:
            await within(websockets.connect(own.url(user)))
        if isinstance(refused.value, websockets.InvalidStatusCode):
            assert refused.value.status_code in (401, 500, 503, 504)
    twice = await own.connect("twice")
    await twice.new("bob", "hello")
    bob = await own.connect("bob")
    await bob.expect_event("new", sender="twice")


async def test_registering_too_late(start_server):
    """Registering is for load(): afterwards it has no effect, and the log says so."""
    own = start_server(zoo=["zoo_late_register"], plugins={"zoo_late_register": {}})
    line = own.wait_log("plugin=zoo_late_register.*load")
    assert "level=error" in line
    alice = await own.connect("alice")
    await alice.fails("unknown_payload_type", "zoo.late")


async def test_the_tame_one(start_server):
    """A plugin from outside can do what the built-in ones do."""
    own = start_server(zoo=["zoo_tame"],
                       plugins={"zoo_tame": {"greeting": "good day"}, "groups": {}})
    alice, bob = await own.connect("alice"), await own.connect("bob")
    assert await alice.ok("tame.echo", {"text": "x"}) == {"greeting": "good day", "text": "x"}
    await alice.fails("bad_payload", "tame.echo", {"text": 1}, path="text")
    assert (await alice.ok("tame.timer", {"ms": 20}))["zoo"] == "rang"
    assert (await alice.ok("tame.offload", {"text": "shout"}))["zoo"] == "SHOUT"
    assert (await alice.ok("tame.watch", {"text": "whisper"}))["zoo"] == "whisper"
    await alice.event("tame.wave", {"to": "bob"})
    assert (await bob.expect_event("tame.wave"))["payload"] == {"from": "alice"}
    await alice.event("tame.wave", {"to": 1})
    assert (await alice.response(None))["error"]["details"]["path"] == "to"
    await alice.new("bob", "hello")
    await bob.expect_event("new")
    await bob.barrier()
    second = await own.connect("bob", "second")
    await second.close()
    await bob.close()
    await eventually(lambda: own.metric("parlance_sessions") == 1, "bob gone")
    await alice.ok("newChat", {"name": "us", "participants": []})
    counts = await alice.ok("tame.hooks")
    assert counts["roster_changed"] == 1
    assert counts["session_opened"] == 3 and counts["session_closed"] == 2
    assert counts["user_online"] == 2 and counts["user_offline"] == 1
    assert counts["message_storing"] == 1 and counts["event_acked"] == 1
    assert own.metric("parlance_zoo_tame_echoes_total") == 1
