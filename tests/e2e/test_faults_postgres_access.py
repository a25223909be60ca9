# SPDX-License-Identifier: BSD-2-Clause
"""Whom PostgreSQL lets in, and what it finds there: passwords that are wrong or change, roles
without rights, a schema that is too new, a database that is dropped or of another kind. At
the start the server refuses, and says what to do; later it waits until that is mended.
No secret is ever told."""
import contextlib
import os

import pytest

from crowd import insist

pytestmark = pytest.mark.storage("postgres")

SECRET, OTHER = "tell-nobody", "tell-nobody-either"
RIGHTS = ("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest;"
          "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guest")


@pytest.fixture
def guest_rig(make_rig, tmp_path):
    """The server comes in as role `guest`, who has a password (scram) and owns his database."""
    with contextlib.ExitStack() as ends:
        def make(password="passfile", owner=True, **options):
            rig = make_rig(**options)
            rig.passfile = str(tmp_path / "passfile")
            write_password(rig, SECRET)
            rig.cluster.sql(f"CREATE ROLE guest LOGIN PASSWORD '{SECRET}'")
            if owner:
                rig.cluster.sql(f"ALTER DATABASE {rig.database} OWNER TO guest")
                rig.sql("ALTER SCHEMA public OWNER TO guest")
            ends.callback(remove, rig)
            rig.cluster.access("local all all scram-sha-256")
            configure(rig, password)
            return rig

        yield make


def write_password(rig, password):
    with open(rig.passfile, "w", encoding="ascii") as file:
        file.write(f"*:*:*:guest:{password}\n")
    os.chmod(rig.passfile, 0o600)


def configure(rig, password):
    """Where the server has it from."""
    conninfo = rig.cluster.conninfo(rig.database, "guest")
    options = rig.server.config["plugins"]["storage_postgres"]
    options["conninfo"] = {
        "passfile": f"{conninfo} passfile={rig.passfile}",
        "conninfo": f"{conninfo} password={SECRET}",
        "uri": f"postgresql://guest:{SECRET}@/{rig.database}?host={rig.cluster.folder}",
        "environment": conninfo,
    }[password]
    if password == "environment":
        rig.server.env["PGPASSWORD"] = SECRET


def remove(rig):
    """Of a server that has done what it should."""
    if rig.server.process is not None:
        rig.server.stop()
    no_secrets(rig)
    rig.cluster.afresh()
    rig.cluster.drop(rig.database)
    rig.cluster.sql("DROP ROLE guest")


def no_secrets(rig):
    told = rig.server.log()
    if rig.server.process is not None:
        for path in ("/readyz", "/healthz", "/metrics"):
            told += rig.server.get(path)[1]
    assert SECRET not in told and OTHER not in told, told


async def works(rig):
    await rig.ready()
    alice, bob = await rig.server.connect("alice"), await rig.server.connect("bob")
    answer = await insist(alice, "new", {"chatId": "bob", "message": "hello"})
    await bob.expect_event("new", messageId=answer["messageId"])
    await alice.close()
    await bob.close()


async def unavailable(rig):
    alice = await rig.server.connect("alice")
    await alice.fails("unavailable", "new", {"chatId": "bob", "message": "lost"})
    await alice.close()


# ------------------------------------------------------------------------ passwords

@pytest.mark.parametrize("where", ["passfile", "conninfo", "uri", "environment"])
async def test_password(guest_rig, where):
    rig = guest_rig(where)
    rig.server.start()
    await works(rig)
    await rig.connected()
    rig.cluster.sql(f"ALTER ROLE guest PASSWORD '{OTHER}'")
    rig.terminate("usename = 'guest'")
    await rig.not_ready("password")
    no_secrets(rig)
    await rig.server.end()
    said = rig.server.start_and_fail()
    assert "password authentication failed" in said and "guest" in said, said
    no_secrets(rig)


@pytest.mark.parametrize("mended", ["changed back", "in the file"])
async def test_password_changed(guest_rig, mended):
    """Connections that are there go on; a new one is refused, until the password is again the one
    that the server knows, or the server is told the new one: the file is read each time."""
    rig = guest_rig()
    rig.server.start()
    await rig.connected()
    rig.cluster.sql(f"ALTER ROLE guest PASSWORD '{OTHER}'")
    await works(rig)
    rig.terminate("usename = 'guest'")
    await rig.not_ready("password")
    await unavailable(rig)
    if mended == "in the file":
        write_password(rig, OTHER)
    else:
        rig.cluster.sql(f"ALTER ROLE guest PASSWORD '{SECRET}'")
    await works(rig)
    await rig.connected()


@pytest.mark.parametrize("conninfo", [
    f"host=/nowhere password={SECRET} nonsense=1",
    f"host=/nowhere password='{SECRET}",
    f"postgresql://guest:{SECRET}@[::1",
    f"postgresql://guest:p@x{SECRET}@127.0.0.1:1/x",
    f"postgresql://guest:p@x:{SECRET}@127.0.0.1/x",
    f"postgresql://guest:{SECRET}/p@127.0.0.1/x",
    f"password {SECRET}",
])
async def test_conninfo_that_is_none(make_rig, conninfo):
    rig = make_rig(conninfo=conninfo)
    said = rig.server.start_and_fail()
    assert "conninfo" in said, said
    no_secrets(rig)


async def test_no_password_known(guest_rig):
    rig = guest_rig()
    os.unlink(rig.passfile)
    said = rig.server.start_and_fail()
    assert "password" in said, said


async def test_not_let_in(make_rig):
    """pg_hba.conf has no line for it."""
    rig = make_rig()
    rig.cluster.sql("CREATE ROLE guest LOGIN")
    try:
        rig.cluster.access("local all all reject")
        options = rig.server.config["plugins"]["storage_postgres"]
        options["conninfo"] = rig.cluster.conninfo(rig.database, "guest")
        said = rig.server.start_and_fail()
        assert "pg_hba.conf" in said and "guest" in said, said
    finally:
        rig.cluster.sql("DROP ROLE guest")


# --------------------------------------------------------------------------- rights

async def test_role_without_rights(guest_rig):
    """It may come in, and that is all. Who owns the database makes the tables, gives the few
    rights, and it works."""
    rig = guest_rig(owner=False)
    said = rig.server.start_and_fail()
    assert "guest" in said and "--migrate" in said and "docs/storage-postgres.md" in said, said
    options = rig.server.config["plugins"]["storage_postgres"]
    conninfo, options["conninfo"] = options["conninfo"], rig.cluster.conninfo(rig.database)
    rig.server.start()
    await works(rig)
    await rig.server.end()
    options["conninfo"] = conninfo
    said = rig.server.start_and_fail()
    assert "guest" in said and "docs/storage-postgres.md" in said, said
    rig.sql(RIGHTS)
    rig.server.start()
    await works(rig)


async def test_right_taken_away(guest_rig):
    rig = guest_rig(owner=False)
    options = rig.server.config["plugins"]["storage_postgres"]
    conninfo, options["conninfo"] = options["conninfo"], rig.cluster.conninfo(rig.database)
    rig.server.start()
    await rig.server.end()
    options["conninfo"] = conninfo
    rig.sql(RIGHTS)
    rig.server.start()
    await works(rig)
    bob = await rig.server.connect("bob")
    await bob.barrier()
    rig.sql("REVOKE INSERT ON message FROM guest")
    await unavailable(rig)
    await rig.not_ready("the role lacks a right")
    assert (await bob.ok("chats"))["chats"]
    rig.sql("GRANT INSERT ON message TO guest")
    await works(rig)


async def test_role_dropped(make_rig):
    """Gone altogether, and then back."""
    rig = make_rig()
    rig.cluster.sql("CREATE ROLE guest LOGIN SUPERUSER")
    try:
        options = rig.server.config["plugins"]["storage_postgres"]
        options["conninfo"] = rig.cluster.conninfo(rig.database, "guest")
        rig.server.start()
        await works(rig)
        await rig.connected()
        rig.cluster.sql("ALTER ROLE guest NOLOGIN")
        rig.terminate("usename = 'guest'")
        await rig.not_ready("guest")
        await unavailable(rig)
        rig.cluster.sql("ALTER ROLE guest LOGIN")
        await works(rig)
        await rig.server.end()
    finally:
        rig.sql("REASSIGN OWNED BY guest TO parlance; DROP OWNED BY guest; DROP ROLE guest")


# ------------------------------------------------------------------- what is there

async def test_schema_too_new(make_rig):
    """At the start it is refused. Behind the back of a server that runs it is noticed when it
    connects again, and mended when it is mended."""
    rig = make_rig()
    rig.server.start()
    await works(rig)
    await rig.connected()
    before, writer = rig.sql("SELECT version, writer FROM meta").split("|")
    rig.sql("UPDATE meta SET version = 1000, writer = 1000, writer_version = '9.8.7'")
    rig.terminate("application_name = 'parlanced'")
    await rig.not_ready("9.8.7")
    await unavailable(rig)
    rig.sql(f"UPDATE meta SET version = {before}, writer = {writer}")
    await works(rig)
    rig.sql("UPDATE meta SET version = 1000, writer = 1000")
    await rig.server.end()
    assert "9.8.7" in rig.server.start_and_fail()
    rig.sql(f"UPDATE meta SET writer = {writer}")
    rig.server.start()
    await works(rig)


async def test_database_dropped(make_rig):
    """And put back from a backup; an empty one in its place is not taken for it."""
    rig = make_rig()
    rig.server.start()
    await works(rig)
    await rig.server.end()
    rig.cluster.sql(f"CREATE DATABASE backup TEMPLATE {rig.database}")
    try:
        rig.server.start()
        await works(rig)
        rig.cluster.drop(rig.database)
        await rig.not_ready(rig.database)
        await unavailable(rig)
        rig.create()
        await rig.not_ready("schema")
        await unavailable(rig)
        rig.cluster.drop(rig.database)
        rig.create("TEMPLATE backup")
        await works(rig)
        assert rig.sql("SELECT last_id FROM chat") == "2"
    finally:
        rig.cluster.drop("backup")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_encoding(make_rig, encoding):
    rig = make_rig(database_options=f"ENCODING '{encoding}' TEMPLATE template0")
    said = rig.server.start_and_fail()
    assert "UTF8" in said and encoding in said, said


async def test_no_such_database(make_rig):
    rig = make_rig()
    rig.server.config["plugins"]["storage_postgres"]["conninfo"] = rig.cluster.conninfo("nowhere")
    said = rig.server.start_and_fail()
    assert '"nowhere" does not exist' in said, said


async def test_tables_of_somebody_else(make_rig):
    """They stay as they are."""
    rig = make_rig()
    rig.sql("CREATE TABLE message (id int); INSERT INTO message VALUES (7)")
    said = rig.server.start_and_fail()
    assert rig.database in said and "message" in said, said
    assert rig.sql("SELECT id FROM message") == "7"
    assert rig.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "1"


async def test_lane_rows_removed(make_rig):
    """Somebody tidies up, and takes what he does not know: it is made again."""
    rig = make_rig(timeout="20s")
    rig.server.start()
    await works(rig)
    rig.sql("DELETE FROM lane; DELETE FROM server")
    for _ in range(6):
        await works(rig)
    await rig.connected()
