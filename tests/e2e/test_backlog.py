# SPDX-License-Identifier: BSD-2-Clause
"""A device for which very many events wait: it gets the first one at once, all of
them at the pace of its acks, and the server's memory stays where it was.
bench/replay is the client: it looks at every event, and fails at a wrong one."""
import json
import os
import subprocess

import pytest

from harness import build_dir, parlanced, real_plugins, sanitized

MB = 1024  # of KiB


def replay(*options):
    program = os.path.join(os.environ.get("BENCH_DIR") or os.path.join(build_dir(), "bench"),
                           "replay")
    plugins = os.path.dirname(real_plugins()["messaging"])
    done = subprocess.run(
        [program, "--json", "--parlanced", parlanced(), "--plugin-dir", plugins, *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("window", [1, 256])
def test_replay(window):
    figures = replay("--events", "20000" if window > 1 else "2000", "--window", str(window))
    if not sanitized():
        assert figures["rssMax"] - figures["rssBefore"] < 4 * MB, figures
        assert figures["rssAfter"] - figures["rssBefore"] < 4 * MB, figures


@pytest.mark.long
def test_replay_a_million():
    """SQLite's pages are 32 MB of what there is."""
    figures = replay("--events", "1000000")
    if not sanitized():
        assert figures["rssBefore"] - figures["rssEmpty"] < 48 * MB, figures
        assert figures["rssMax"] - figures["rssBefore"] < 4 * MB, figures
        assert figures["rssAfter"] - figures["rssBefore"] < 4 * MB, figures
