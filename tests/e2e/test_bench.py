# SPDX-License-Identifier: BSD-2-Clause
"""The programs of bench/ do what they measure, and every statement of storage_postgres finds
what it is about by an index. bench/replay: test_backlog.py."""
import json
import os
import re
import subprocess

import pytest

import harness
from harness import Database, build_dir, parlanced

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
BUILT = os.environ.get("BENCH_DIR") or os.path.join(build_dir(), "bench")


def run(program, *options, env=None):
    done = subprocess.run(
        [program, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, check=False, cwd=os.path.dirname(BUILT), env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def load(port, *options):
    return json.loads(run(os.path.join(BUILT, "load"), "--port", str(port), "--json", *options))


@pytest.mark.parametrize("mode", [["--window", "8"], ["--rate", "2000"], ["--lone"]])
def test_load(start_server, mode):
    server = start_server()
    for _ in range(2):  # the second finds users, chats and devices
        figures = load(server.ws_port, "--pid", str(server.process.pid), "--pairs", "5",
                       "--messages", "200", *mode)
        assert figures["messages"] == 200
        assert 0 < figures["answered"]["p50"] <= figures["answered"]["max"]
        assert 0 < figures["delivered"]["p50"] <= figures["delivered"]["max"]
        assert figures["cpuSeconds"] > 0 and figures["rssAfter"] > 0


@pytest.fixture
def database(tmp_path):
    """Its conninfo."""
    yield Database.of(str(tmp_path))
    Database.drop(str(tmp_path))


def sql(conninfo, text):
    return harness.cluster().sql(text, re.search(r"dbname=(\S+)", conninfo).group(1))


@pytest.mark.storage("postgres")
@pytest.mark.parametrize("connections", [1, 3])
def test_floor(database, connections):
    """What it stores is what a server would have stored."""
    figures = json.loads(run(
        os.path.join(BUILT, "pg_floor"), "--json", "--conninfo", database, "--batch", "20",
        "--together", "4", "--chats", "9", "--messages", "600", "--connections",
        str(connections)))
    assert figures["messages"] == 600
    assert sql(database, "SELECT count(*), count(DISTINCT (chat, client_id)), count(DISTINCT chat)"
                         " FROM message") == "600|600|9"
    assert sql(database, "SELECT sum(last_id), sum(content) FROM chat") == "600|600"
    assert sql(database, "SELECT sum(missed), sum(theirs) FROM member") == "600|600"
    assert sql(database, "SELECT sum(last_seq) FROM users") == "600"
    assert sql(database, "SELECT sum(last_seq - first_seq + 1) = (SELECT count(*) FROM event)"
                         " FROM users") == "t"
    assert sql(database, "SELECT count(*) FROM server") == "0"


def plans(database, *options):
    """Buffers that each statement has read, as often as it is executed."""
    env = dict(os.environ, PATH=harness.cluster().bin + os.pathsep + os.environ["PATH"])
    lines = run(os.path.join(SOURCES, "pg-plans"), "--table", *options, database, env=env)
    found = re.findall(r"^\| `(\w+)` \| .*\| (\d+) \| [\d.]+ \|$", lines, re.MULTILINE)
    assert len(found) == len(lines.splitlines()) > 40, lines
    return [(name, int(buffers)) for name, buffers in found]


@pytest.mark.storage("postgres")
@pytest.mark.parametrize("known", ["empty", "emptied", "filled"])
def test_plans(database, tmp_path, known):
    """Also when they were made while the tables were empty, which they stay until PostgreSQL
    looks at the tables again, or while all events but a few had been acked. The long chat has
    10,000 messages, in 300 pages."""
    config = tmp_path / "migrate.yaml"
    config.write_text(json.dumps({
        "server": {"plugin_dir": os.path.dirname(harness.real_plugins()["messaging"])},
        "plugins": {"auth_insecure": {}, "storage_postgres": {"conninfo": database}}}))
    run(parlanced(), "--migrate", "--config", str(config))
    if known == "emptied":
        sql(database, "INSERT INTO event SELECT -(n % 100), n, 0, NULL, 'new', repeat('x', 300),"
                      " NULL FROM generate_series(1, 100000) n;"
                      " DELETE FROM event WHERE seq < 99998; ANALYZE event; DELETE FROM event")
    if known != "filled":
        read = plans(database, "--empty", "100000")
    else:
        run(os.path.join(harness.cluster().bin, "psql"), "-X", "-q", "-v", "messages=100000", "-f",
            os.path.join(SOURCES, "pg_fill.sql"), database)
        read = plans(database)
    for name, buffers in read:
        # of 20 transactions, or a page of 50 rows
        assert buffers <= (1500 if name == "ST_QUERY_CHATS" else 450), (name, buffers)
