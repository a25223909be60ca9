# SPDX-License-Identifier: BSD-2-Clause
"""The dialogue scripts, each of which shows a rule of docs/protocol.md
(tests/dialogues/README.md). Scripts that want the same server share it, each
with users of its own."""
import contextlib
import glob
import itertools
import json
import os

import pytest

import harness
from dialogue import Script
from dialogue_runner import Player, file_name

FOLDER = os.path.join(harness.ROOT, "tests", "dialogues")
FILES = sorted(glob.glob(os.path.join(FOLDER, "*.dialogue")))
# What a script can count on. The times are far longer than any script, so that nothing
# comes by the clock alone.
PLUGINS = {"typing": {"typing_interval": "60s", "typing_timeout": "10m"}, "groups": {},
           "calls": {"ring_timeout": "10m"}}

numbers = itertools.count(1)


def options(script):
    """The server that the script wants: harness.Server's own arguments."""
    wanted = dict(script.options)
    plugins = {**PLUGINS, **wanted.pop("plugins", {})}
    return {"server": {"max_bad_messages": 10000, **wanted}, "plugins": plugins}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """options -> the server that has them."""
    servers = {}
    with contextlib.ExitStack() as ends:
        def get(wanted):
            key = json.dumps(wanted, sort_keys=True)
            if key not in servers:
                server = harness.Server(tmp_path_factory.mktemp("server"), **wanted)
                ends.callback(server.retire)
                ends.callback(server.stop)
                servers[key] = server.start()
            return servers[key]

        yield get


@pytest.mark.parametrize("path", FILES, ids=map(file_name, FILES))
async def test_dialogue(path, shared, start_server):
    script = Script(path)
    if script.alone:
        player = Player(script, start_server(storage=harness.DURABLE, **options(script)), "")
    else:
        player = Player(script, shared(options(script)), f".{next(numbers)}")
    fault = await player.play()
    if fault:
        pytest.fail(fault, pytrace=False)
