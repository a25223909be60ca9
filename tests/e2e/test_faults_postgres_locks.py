# SPDX-License-Identifier: BSD-2-Clause
"""Others at work in the same database, who stand in the way: locks that somebody holds,
deadlocks, serialization failures, statements that take too long or are cancelled, and
rows that cannot be stored. Only those wait, or are refused, whom it concerns."""
import pytest

from crowd import Crowd, insist
from harness import eventually, in_thread

pytestmark = pytest.mark.storage("postgres")

# Before a message is inserted whose text says so.
TRIGGER = """
CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;
CREATE TRIGGER stumble BEFORE INSERT ON message FOR EACH ROW WHEN (NEW.text LIKE 'stumble%')
EXECUTE FUNCTION stumble()
"""


def waiting(rig):
    """How many of the server's connections wait for a lock."""
    return int(rig.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                       f" AND datname = '{rig.database}' AND application_name = 'parlanced'"))


async def acquainted(rig, *pairs):
    """The chats are there, and all connections."""
    clients = {}
    for name in {name for pair in pairs for name in pair}:
        clients[name] = await rig.server.connect(name)
    for sender, receiver in pairs:
        await clients[sender].new(receiver, "first")
        await clients[receiver].expect_event("new", message="first")
    await rig.connected()
    return clients


async def test_chat_locked(make_rig):
    """That chat waits, and is refused in the end; others go on at once. When the lock is gone it
    goes on as well, with nothing in it of what was refused."""
    rig = make_rig(timeout="3s")
    rig.server.start()
    clients = await acquainted(rig, ("alice", "bob"), ("carol", "dave"), ("eve", "frank"))
    with rig.session() as other:
        other.run("BEGIN; SELECT id FROM chat WHERE key LIKE '%alice%' FOR UPDATE")
        asked = await clients["alice"].begin("new", {
            "chatId": "bob", "message": "waits", "clientMessageId": "c"})
        await eventually(lambda: waiting(rig) == 1, "a connection that waits")
        for number in range(20):
            for sender, receiver in (("carol", "dave"), ("eve", "frank")):
                await clients[sender].new(receiver, str(number))
                await clients[receiver].expect_event("new", message=str(number))
        assert waiting(rig) == 1, "the lock is no longer waited for: this test is too slow"
        answer = await clients["alice"].response(asked)
        assert answer["error"]["code"] == "unavailable", answer
        assert rig.server.get("/readyz")[0] == 200, "one chat is not the database"
    payload = {"chatId": "bob", "message": "waits", "clientMessageId": "c"}
    assert (await insist(clients["alice"], "new", payload))["messageId"] == 2
    await clients["bob"].expect_event("new", messageId=2, clientMessageId="c")


async def test_chat_locked_for_a_moment(make_rig):
    """Whoever waited is answered as if nothing had been, and all in order."""
    rig = make_rig(timeout="20s")
    rig.server.start()
    clients = await acquainted(rig, ("alice", "bob"))
    with rig.session() as other:
        other.run("BEGIN; SELECT id FROM chat FOR UPDATE")
        asked = [await clients["alice"].begin("new", {"chatId": "bob", "message": str(number)})
                 for number in range(2, 12)]
        await eventually(lambda: waiting(rig) > 0, "a connection that waits")
        other.run("COMMIT")
        for number, request in enumerate(asked, 2):
            answer = await clients["alice"].response(request)
            assert answer["payload"]["messageId"] == number, answer
    for number in range(2, 12):
        await clients["bob"].expect_event("new", messageId=number, message=str(number))


@pytest.mark.parametrize("table", ["chat", "lane", "meta", *(
    pytest.param(table, marks=pytest.mark.long) for table in ("users", "message", "event"))])
async def test_table_locked(make_rig, table):
    """Everybody waits, until it is said that it takes too long; then by itself it goes on."""
    rig = make_rig()
    crowd = Crowd(rig.server.start())
    async with crowd.at_work():
        await crowd.answers(40)
        with rig.session() as other:
            other.run(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            if table == "meta":
                await in_thread(rig.terminate, "application_name = 'parlanced'")
            await crowd.answers(20, "unavailable")
        await crowd.answers(40)
    await crowd.check()


async def test_deadlock(make_rig):
    """Somebody takes locks in another order. PostgreSQL ends our transaction, which is tried
    again; who asked is not bothered with it."""
    rig = make_rig(timeout="20s", server={"cursor_interval": "1m"})
    rig.cluster.sql(f"ALTER DATABASE {rig.database} SET deadlock_timeout = '300ms'")
    rig.server.start()
    clients = await acquainted(rig, ("alice", "bob"))
    for number in range(2, 5):
        retries = await rig.growth("retries_total")
        with rig.session() as other:
            other.run("SET deadlock_timeout = '1h'; BEGIN;"
                      "SELECT id FROM users WHERE name = 'bob' FOR UPDATE")
            asked = await clients["alice"].begin("new", {"chatId": "bob", "message": str(number)})
            await eventually(lambda: waiting(rig) > 0, "a connection that waits")
            await in_thread(other.run, "SELECT id FROM chat FOR UPDATE; COMMIT")
        answer = await clients["alice"].response(asked)
        assert answer["payload"]["messageId"] == number, answer
        await retries()
        await clients["bob"].expect_event("new", messageId=number)


@pytest.mark.parametrize("code", ["40001", "40P01"])
async def test_tried_again_by_class(make_rig, code):
    """PostgreSQL says so three times, then it is stored."""
    rig = make_rig(timeout="20s")
    rig.server.start()
    clients = await acquainted(rig, ("alice", "bob"))
    rig.sql("CREATE SEQUENCE turn;" + TRIGGER.format(
        body=f"IF nextval('turn') <= 3 THEN RAISE 'again' USING ERRCODE = '{code}'; END IF;"))
    answer = await clients["alice"].new("bob", "stumble", clientMessageId="c")
    assert answer["messageId"] == 2
    await clients["bob"].expect_event("new", messageId=2, clientMessageId="c")
    assert rig.metric("retries_total") >= 3
    assert rig.sql("SELECT last_value FROM turn") == "4"


async def test_never_serializable(make_rig):
    """What is tried again in vain is refused in the end, and holds up nobody else."""
    rig = make_rig(timeout="20s")
    rig.server.start()
    clients = await acquainted(rig, ("alice", "bob"), ("carol", "dave"))
    rig.sql(TRIGGER.format(body="RAISE 'again' USING ERRCODE = '40001';"))
    await clients["alice"].fails("unavailable", "new", {"chatId": "bob", "message": "stumble"})
    await clients["carol"].new("dave", "goes on")
    assert (await clients["alice"].new("bob", "goes on too"))["messageId"] == 2


@pytest.mark.parametrize("body, code", [
    ("PERFORM pg_sleep(60);", "unavailable"),
    ("RAISE 'no' USING ERRCODE = '57014';", "unavailable"),
    ("RAISE 'no' USING ERRCODE = 'check_violation';", "internal"),
    ("RAISE 'no' USING ERRCODE = '22021';", "internal"),
    ("PERFORM 1 / 0;", "internal"),
])
async def test_one_of_a_batch(make_rig, body, code):
    """What takes longer than statement_timeout, or what PostgreSQL does not store at all, is
    refused; what shared its batch is not. All wait for one chat's lock, and so come together."""
    rig = make_rig(timeout="2s")
    rig.server.start()
    clients = await acquainted(rig, ("alice", "bob"))
    rig.sql(TRIGGER.format(body=body))
    asked = []
    with rig.session() as other:
        other.run("BEGIN; SELECT id FROM chat FOR UPDATE")
        for number in range(9):
            text = "stumble" if number == 4 else f"number {number}"
            asked.append(await clients["alice"].begin("new", {
                "chatId": "bob", "message": text, "clientMessageId": f"c{number}"}))
        await eventually(lambda: waiting(rig) == 1, "a connection that waits")
        other.run("COMMIT")
    codes = [(await clients["alice"].response(request)).get("error", {}).get("code")
             for request in asked]
    assert codes[4] == code, codes
    rig.sql("DROP FUNCTION stumble CASCADE")
    for number in range(9):
        await insist(clients["alice"], "new", {
            "chatId": "bob", "message": "stumble" if number == 4 else f"number {number}",
            "clientMessageId": f"c{number}"})
    assert rig.metric("retries_total") >= 2, "they were in no batch"
    if code == "internal":
        assert codes == [None] * 4 + [code] + [None] * 4
    events = [await clients["bob"].expect_event("new") for _ in range(9)]
    assert [event["payload"]["messageId"] for event in events] == list(range(2, 11))
    assert {event["payload"]["clientMessageId"] for event in events} == \
        {f"c{number}" for number in range(9)}


async def test_statements_cancelled(make_rig):
    """By an administrator, whatever they do: refused at most, and never twice."""
    rig = make_rig(timeout="5s")
    crowd = Crowd(rig.server.start())
    async with crowd.at_work():
        for _ in range(20):
            await crowd.answers(10)
            await in_thread(rig.sql, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                            f" WHERE datname = '{rig.database}' AND pid <> pg_backend_pid()")
    await crowd.check()
