# SPDX-License-Identifier: BSD-2-Clause
"""The plugins of examples/, built out of the tree with nothing but what is installed, as the
plugin guide says, and used."""
import asyncio
import glob
import os
import re
import shutil
import subprocess

import pytest

import harness
from harness import ROOT, Server

BUILT = os.path.dirname(os.path.abspath(harness.parlanced()))


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One that has them."""
    there = tmp_path_factory.mktemp("installed")
    env = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    run("make", "-s", "-C", BUILT, "install-parlanceincludeHEADERS", "install-pkgconfigDATA",
        f"parlanceincludedir={there}/include/parlance", f"pkgconfigdir={there}/pkgconfig", env=env)
    described = there / "pkgconfig" / "parlance.pc"
    described.write_text(re.sub(r"(?m)^(prefix|includedir)=.*$",
                                lambda m: f"{m[1]}={there}" + "/include" * (m[1] != "prefix"),
                                described.read_text()))
    env["PKG_CONFIG_PATH"] = str(there / "pkgconfig")
    made = Server(tmp_path_factory.mktemp("server"),
                  plugins={"echo": {}, "reactions": {"max_per_user": 2}, "groups": {}})
    for name in ("echo", "reactions"):
        copied = shutil.copytree(os.path.join(ROOT, "examples", name), there / name)
        run("make", "-s", "-C", str(copied), "install", f"DESTDIR={there}/root",
            "CFLAGS=-O1 -Wall -Wextra -Wshadow -Werror", env=env)
        module, schema = (glob.glob(f"{there}/root/**/{pattern}", recursive=True) for pattern in
                          (f"parlance/plugins/{name}.so", f"parlance/schemas/{name}.schema.json"))
        assert len(module) == len(schema) == 1
        shutil.copy(module[0], os.path.join(made.directory, "plugins"))
    made.start()
    yield made
    try:
        made.stop()
    finally:
        made.retire()


async def test_echo(server, users):
    alice = await server.connect(users("alice"))
    assert await alice.ok("echo", {"text": "hi"}) == {"text": "hi", "user": alice.user}


async def react(who, chat, message, reaction, is_set=True):
    answer = await who.ok("reaction", {"chatId": chat, "messageId": message,
                                       "reaction": reaction, "isSet": is_set})
    assert set(answer) == {"messageId", "timestamp"} and answer["messageId"] == message


async def shown(who, chat, message):
    return (await who.ok("reactions", {"chatId": chat, "messageId": message}))["reactions"]


async def test_reactions(server, users):
    alice, bob, carol = [await server.connect(name) for name in users("alice", "bob", "carol")]
    phone = await server.connect(bob.user, "phone")
    number = (await alice.new(bob.user))["messageId"]
    for device in (bob, phone):
        await device.expect_event("new")
    await react(bob, alice.user, number, "👍")
    heard = await alice.expect_event("reaction", chatId=bob.user, messageId=number,
                                     userId=bob.user, reaction="👍", isSet=True)
    assert heard["seq"] > 0 and "timestamp" in heard["payload"]
    await phone.expect_event("reaction", chatId=alice.user, userId=bob.user)
    await react(bob, alice.user, number, "👍")  # nobody is told twice
    await react(bob, alice.user, number, "❤")
    await alice.expect_event("reaction", reaction="❤")
    await bob.fails("forbidden", "reaction", {"chatId": alice.user, "messageId": number,
                                              "reaction": "🎉", "isSet": True})
    assert await shown(alice, bob.user, number) == {bob.user: ["👍", "❤"]}
    for reaction in ("👍", "❤"):
        await react(bob, alice.user, number, reaction, False)
        await alice.expect_event("reaction", reaction=reaction, isSet=False)
    assert await shown(alice, bob.user, number) == {}
    ask = {"chatId": bob.user, "messageId": number, "reaction": "x", "isSet": True}
    await carol.fails("not_found", "reaction", ask)  # his own chat with bob has no message
    await alice.fails("not_found", "reaction", {**ask, "messageId": 99})
    for field, wrong in (("chatId", 1), ("messageId", 0), ("messageId", "1"), ("reaction", ""),
                         ("reaction", "x" * 33), ("isSet", 1), ("isSet", None)):
        await alice.fails("bad_payload", "reaction", {**ask, field: wrong}, field)
    await alice.ok("delete", {"chatId": bob.user, "messageId": number})
    await alice.fails("not_found", "reaction", ask)
    await bob.expect_event("delete")
    bob.assert_no_event()


async def test_reactions_in_a_group(server, users):
    """Many react to one message at once, and none is lost; who is not in the group does not."""
    everyone = [await server.connect(name) for name in users(*"abcdefgh")]
    alice, dave = everyone[0], await server.connect(users("dave"))
    chat = (await alice.ok("newChat", {
        "name": "us", "participants": [one.user for one in everyone[1:]]}))["chatId"]
    number = (await alice.new(chat))["messageId"]
    await asyncio.gather(*(react(one, chat, number, "👍") for one in everyone))
    assert await shown(alice, chat, number) == {one.user: ["👍"] for one in everyone}
    for one in everyone:
        told = []
        while len(told) < 7:
            event = await one.expect_event()
            told += [event["payload"]["userId"]] if event["eventType"] == "reaction" else []
        assert sorted(told) == sorted(other.user for other in everyone if other is not one)
    await dave.fails("not_found", "reaction", {"chatId": chat, "messageId": number,
                                               "reaction": "x", "isSet": True})
    await dave.fails("not_found", "reactions", {"chatId": chat, "messageId": number})
